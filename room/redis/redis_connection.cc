#include "room/redis/redis_connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr size_t kKeptBytes = 64 * 1024;  // A connection keeps no larger buffer once it is empty.

// Redis says in the first word what kind of error it is.
bool IsAboutPermission(absl::string_view error) {
  for (absl::string_view kind : {"WRONGPASS ", "NOAUTH ", "NOPERM ", "ERR AUTH ", "ERR invalid password"}) {
    if (absl::StartsWith(error, kind)) return true;
  }
  return false;
}

// OpenSSL judges a call by the thread's queue of errors as well, and may leave errno as it was.
void ClearErrors() {
  ERR_clear_error();
  errno = 0;
}

}  // namespace

absl::StatusOr<std::shared_ptr<SSL_CTX>> MakeRedisTls(const std::string& authorities) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  CHECK(context != nullptr) << "no memory";
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_file(context.get(), authorities.c_str()) == 1) return context;
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  const absl::Status status =
      absl::InvalidArgumentError(absl::StrCat(authorities, ": ", reason == nullptr ? "cannot be used" : reason));
  ERR_clear_error();
  return status;
}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(const RedisServer& server, size_t attempt) {
  const Endpoint& to = server.at.all()[attempt % server.at.all().size()];
  UniqueFd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return SysError("socket");
  // Lines are few, and each is waited for.
  const int one = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (::connect(fd.get(), to.address(), to.size()) != 0 && errno != EINPROGRESS) {
    const std::string shown = server.url.shown();
    const absl::Status status = SysError("connect", shown);
    return absl::UnavailableError(status.message());
  }
  return absl::WrapUnique(new RedisConnection(server, std::move(fd)));
}

RedisConnection::RedisConnection(const RedisServer& server, UniqueFd fd)
    : server_(server), fd_(std::move(fd)), deadline_(server.patience), patience_(server.patience) {}

RedisConnection::~RedisConnection() { SSL_free(ssl_); }

absl::Status RedisConnection::Error(absl::StatusCode code, absl::string_view what) const {
  return absl::Status(code, absl::StrCat(server_.url.shown(), ": ", what));
}

absl::Status RedisConnection::SystemError(const char* call) const {
  const int error = errno;
  return Error(absl::StatusCode::kUnavailable, absl::StrCat(call, ": ", std::strerror(error)));
}

short RedisConnection::events() const {
  const bool writes = stage_ == Stage::kConnecting || tls_waits_to_write_ || (stage_ != Stage::kTls && unsent() > 0);
  return static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN);
}

absl::Status RedisConnection::OnEvents() {
  absl::Status status;
  if (stage_ == Stage::kConnecting) status = OnConnected();
  if (status.ok() && stage_ == Stage::kTls) status = ShakeHands();
  if (status.ok() && stage_ >= Stage::kGreeting) status = Flush();
  if (status.ok() && stage_ >= Stage::kGreeting) status = Receive();
  if (status.ok() && stage_ == Stage::kGreeting) status = OnGreeted();
  if (status.ok() && deadline_.passed()) {
    return Error(absl::StatusCode::kUnavailable, absl::StrCat("no answer for ", absl::FormatDuration(patience_)));
  }
  return status;
}

// Not connected yet is no error: it was called for the deadline, perhaps.
absl::Status RedisConnection::OnConnected() {
  pollfd socket = {fd_.get(), POLLOUT, 0};
  if (::poll(&socket, 1, 0) == 0) return absl::OkStatus();
  errno = OutcomeOfConnecting(fd_.get());
  if (errno != 0) return SystemError("connect");
  if (server_.tls == nullptr) {
    Greet();
    return absl::OkStatus();
  }
  stage_ = Stage::kTls;
  ssl_ = SSL_new(server_.tls.get());
  CHECK(ssl_ != nullptr && SSL_set_fd(ssl_, fd_.get()) == 1) << "no memory";
  // An address is compared with the addresses in the certificate, and is no name for SNI (RFC 6066, section 3).
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), server_.url.host.c_str()) != 1) {
    SSL_set1_host(ssl_, server_.url.host.c_str());
    SSL_set_tlsext_host_name(ssl_, server_.url.host.c_str());
  }
  SSL_set_connect_state(ssl_);
  return absl::OkStatus();
}

absl::Status RedisConnection::ShakeHands() {
  ClearErrors();
  if (ResultOfTls(SSL_do_handshake(ssl_), 1) > 0) {
    Greet();
    return absl::OkStatus();
  }
  if (errno == EAGAIN) return absl::OkStatus();
  const long verified = SSL_get_verify_result(ssl_);
  if (verified != X509_V_OK) {
    return Error(absl::StatusCode::kInvalidArgument,
                 absl::StrCat("its certificate cannot be trusted: ", X509_verify_cert_error_string(verified)));
  }
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  return Error(absl::StatusCode::kUnavailable, absl::StrCat("TLS: ", reason == nullptr ? "it hung up" : reason));
}

// PING is refused if a password is needed and none was given (NOAUTH).
void RedisConnection::Greet() {
  stage_ = Stage::kGreeting;
  const RedisUrl& url = server_.url;
  if (!url.password.empty() && url.user.empty()) Send({"AUTH", url.password});
  if (!url.password.empty() && !url.user.empty()) Send({"AUTH", url.user, url.password});
  if (url.database != 0) Send({"SELECT", absl::StrCat(url.database)});
  Send({"PING"});
  greetings_ = static_cast<int>(unanswered_);
}

absl::Status RedisConnection::OnGreeted() {
  RedisReply reply;
  while (greetings_ > 0 && Next(reply)) {
    --greetings_;
    if (!reply.is_error()) continue;
    // It loads its data, or is no primary at the moment; all else stays as it is.
    const bool may_change = absl::StartsWith(reply.text, "LOADING") || absl::StartsWith(reply.text, "MASTERDOWN") ||
                            absl::StrContains(reply.text, "max number of clients");
    return Error(IsAboutPermission(reply.text) ? absl::StatusCode::kPermissionDenied
                 : may_change                  ? absl::StatusCode::kUnavailable
                                               : absl::StatusCode::kInvalidArgument,
                 reply.text);
  }
  if (greetings_ == 0) stage_ = Stage::kReady;
  return fault();
}

void RedisConnection::Send(absl::Span<const absl::string_view> words, absl::Duration wait) {
  unsent_ += RedisCommand(words);
  const absl::Duration patience = server_.patience + wait;
  if (unanswered_++ > 0 && patience <= patience_) return;  // What was asked before is waited for already.
  patience_ = patience;
  deadline_ = Deadline(patience);
}

absl::Status RedisConnection::Flush() {
  while (unsent() > 0) {
    const ssize_t count = Write(absl::string_view(unsent_).substr(sent_));
    if (count < 0 && errno == EAGAIN) break;
    if (count < 0) return SystemError("write");
    sent_ += static_cast<size_t>(count);
  }
  if (unsent() > 0) return absl::OkStatus();
  sent_ = 0;
  if (unsent_.capacity() > kKeptBytes) unsent_ = std::string();
  unsent_.clear();
  return absl::OkStatus();
}

// One read at a time: what more there is, poll(2) reports again, but for what TLS has decrypted already.
absl::Status RedisConnection::Receive() {
  char bytes[16 * 1024];
  do {
    const ssize_t count = Read(bytes, sizeof(bytes));
    if (count < 0 && errno == EAGAIN) return absl::OkStatus();
    if (count < 0) return SystemError("read");
    if (count == 0) return Error(absl::StatusCode::kUnavailable, "it has closed the connection");
    if (unanswered_ == 0) return Error(absl::StatusCode::kInvalidArgument, "that is no Redis: it was asked nothing");
    parser_.Feed(absl::string_view(bytes, static_cast<size_t>(count)));
    // However late this process looks at it, or however long an answer is.
    deadline_ = Deadline(patience_);
  } while (ssl_ != nullptr && SSL_pending(ssl_) > 0);
  return absl::OkStatus();
}

absl::Status RedisConnection::fault() const {
  if (parser_.fault().empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, absl::StrCat("that is no Redis: ", parser_.fault()));
}

bool RedisConnection::Next(RedisReply& reply) {
  if (unanswered_ == 0 || !parser_.Next(reply)) return false;
  --unanswered_;
  if (unanswered_ == 0) patience_ = server_.patience;
  deadline_ = Deadline(unanswered_ == 0 ? absl::InfiniteDuration() : patience_);
  return true;
}

ssize_t RedisConnection::Read(char* bytes, size_t size) {
  if (ssl_ == nullptr) return ::recv(fd_.get(), bytes, size, MSG_DONTWAIT);
  ClearErrors();
  size_t count = 0;
  const int result = SSL_read_ex(ssl_, bytes, size, &count);  // Which sets the count.
  return ResultOfTls(result, count);
}

ssize_t RedisConnection::Write(absl::string_view bytes) {
  if (ssl_ == nullptr) return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ClearErrors();
  size_t count = 0;
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count);  // Which sets the count.
  return ResultOfTls(result, count);
}

// OpenSSL says in a call of its own what a socket says in errno. Its error stays in the thread's queue for the caller.
ssize_t RedisConnection::ResultOfTls(int result, size_t count) {
  tls_waits_to_write_ = false;
  if (result == 1) return static_cast<ssize_t>(std::max(count, size_t{1}));
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_WRITE:
      tls_waits_to_write_ = true;
      [[fallthrough]];
    case SSL_ERROR_WANT_READ:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    default:
      if (errno == 0 || errno == EAGAIN) errno = EPROTO;
      return -1;
  }
}

absl::Status TryRedis(const RedisServer& server) {
  absl::Status status;
  for (size_t attempt = 0; attempt < server.at.all().size(); ++attempt) {
    const absl::StatusOr<std::unique_ptr<RedisConnection>> connection = RedisConnection::Open(server, attempt);
    status = connection.status();
    while (status.ok() && !(*connection)->is_ready()) {
      pollfd socket = {(*connection)->fd(), (*connection)->events(), 0};
      ::poll(&socket, 1, (*connection)->deadline().PollMilliseconds());
      status = (*connection)->OnEvents();
    }
    if (!absl::IsUnavailable(status)) break;
  }
  return status;
}

}  // namespace polyserve
