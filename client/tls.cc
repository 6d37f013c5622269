#include "client/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// OpenSSL leaves this slot of an object to the program (SSL_CTX_set_app_data(3)).
constexpr int kAppData = 0;

absl::Status Error(const std::string& path) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", reason == nullptr ? "cannot be used" : reason));
}

// A client at a terminal could ask for the passphrase; one in a script would hang.
int RefusePassphrase(char*, int, int, void*) { return -1; }

int AcceptAny(X509_STORE_CTX*, void*) { return 1; }

}  // namespace

ClientTls::ClientTls() : context_(SSL_CTX_new(TLS_client_method())) {
  if (context_ == nullptr) std::abort();  // OpenSSL has no memory.
}

ClientTls::~ClientTls() {
  for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
  SSL_CTX_free(context_);
}

absl::StatusOr<std::unique_ptr<ClientTls>> ClientTls::Create(const Options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<ClientTls> tls(new ClientTls());
  if (absl::Status status = tls->Configure(options); !status.ok()) return status;
  return tls;
}

// Partial writes: a caller sees progress, record by record. Moving buffers: what is sent may be copied between two
// attempts. Release buffers: an idle connection holds none, which take 34 KiB. Read ahead: one system call for the head
// of a record and its body.
absl::Status ClientTls::Configure(const Options& options) {
  ERR_clear_error();
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_mode(context_,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context_, 1);
  SSL_CTX_set_default_passwd_cb(context_, &RefusePassphrase);
  SSL_CTX_set_session_cache_mode(
      context_, options.resumes ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE : SSL_SESS_CACHE_OFF);
  if (options.resumes) {
    SSL_CTX_set_ex_data(context_, kAppData, this);
    SSL_CTX_sess_set_new_cb(context_, &OnSession);
  }
  SSL_CTX_set_verify(context_, options.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  // Otherwise OpenSSL would judge the certificate all the same, for SSL_get_verify_result(3).
  if (!options.verifies) SSL_CTX_set_cert_verify_callback(context_, &AcceptAny, nullptr);
  if (options.ca.empty()) {
    if (options.verifies) SSL_CTX_set_default_verify_paths(context_);
  } else if (SSL_CTX_load_verify_file(context_, options.ca.c_str()) != 1) {
    return Error(options.ca);
  }
  if (options.certificate.empty()) return absl::OkStatus();
  const std::string& key = options.key.empty() ? options.certificate : options.key;
  if (SSL_CTX_use_certificate_chain_file(context_, options.certificate.c_str()) != 1) return Error(options.certificate);
  if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1) return Error(key);
  return absl::OkStatus();
}

// 1: the reference to the session is ours from now on.
int ClientTls::OnSession(SSL* ssl, SSL_SESSION* session) {
  auto* tls = static_cast<ClientTls*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), kAppData));
  const MutexLock lock(tls->mutex_);
  if (tls->sessions_.size() >= kMostSessions) return 0;
  tls->sessions_.push_back(session);
  return 1;
}

// OpenSSL has a reference of its own from then on.
void ClientTls::Resume(SSL* ssl) const {
  const MutexLock lock(mutex_);
  if (sessions_.empty()) return;
  SSL_SESSION* session = sessions_.back();
  SSL_set_session(ssl, session);
  if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION) return;
  sessions_.pop_back();
  SSL_SESSION_free(session);
}

// An address is compared with the addresses in the certificate, and is no name for SNI (RFC 6066, section 3).
SSL* ClientTls::NewConnection(int fd, const std::string& host) const {
  SSL* ssl = SSL_new(context_);
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1) std::abort();  // OpenSSL has no memory.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) != 1) {
    SSL_set1_host(ssl, host.c_str());
    SSL_set_tlsext_host_name(ssl, host.c_str());
  }
  SSL_set_connect_state(ssl);
  Resume(ssl);
  return ssl;
}

TlsSocket::~TlsSocket() {
  if (error_ == 0) SendEnd();
  SSL_free(ssl_);
}

// OpenSSL judges a call by the thread's queue of errors as well, so each call begins with an empty one.
TlsSocket::Result TlsSocket::Handshake() {
  ERR_clear_error();
  return ResultOf(SSL_do_handshake(ssl_));
}

TlsSocket::Result TlsSocket::Read(char* buffer, size_t size, size_t& count) {
  ERR_clear_error();
  return ResultOf(SSL_read_ex(ssl_, buffer, size, &count));
}

TlsSocket::Result TlsSocket::Write(absl::string_view bytes, size_t& count) {
  ERR_clear_error();
  return ResultOf(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count));
}

// What has arrived may be a message of TLS itself, such as a ticket: it is handled here, and is nothing to read.
TlsSocket::Result TlsSocket::Peek() {
  char byte = 0;
  size_t count = 0;
  ERR_clear_error();
  return ResultOf(SSL_peek_ex(ssl_, &byte, 1, &count));
}

// Within a handshake OpenSSL refuses, and nothing is sent.
void TlsSocket::SendEnd() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  ERR_clear_error();
}

bool TlsSocket::has_pending() const { return error_ != 0 || SSL_has_pending(ssl_) == 1; }

short TlsSocket::awaits() const { return SSL_want_write(ssl_) != 0 ? POLLOUT : POLLIN; }

bool TlsSocket::was_resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string TlsSocket::version_and_cipher() const {
  return absl::StrCat(SSL_get_version(ssl_), " ", SSL_get_cipher_name(ssl_));
}

TlsSocket::Result TlsSocket::ResultOf(int returned) {
  if (returned == 1) return Result::kDone;
  const int system_error = errno;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Result::kWaits;
    case SSL_ERROR_ZERO_RETURN:
      return Result::kEnd;
    case SSL_ERROR_SYSCALL:
      errno = system_error;
      return Fail();
    default:
      errno = EPROTO;
      return Fail();
  }
}

// The first failure names the cause. A certificate is the cause only if it was to be verified: OpenSSL looks at it in
// any case.
TlsSocket::Result TlsSocket::Fail() {
  const int system_error = errno;
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  if (error_ != 0) return Result::kFailed;
  error_ = system_error == 0 ? EPROTO : system_error;
  const auto verified = SSL_get_verify_result(ssl_);
  if (verified != X509_V_OK && SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE) {
    failure_ = absl::StrCat("the server's certificate is not trusted: ", X509_verify_cert_error_string(verified));
  } else {
    failure_ = absl::StrCat("the connection is lost: ", reason == nullptr ? std::strerror(error_) : reason);
  }
  return Result::kFailed;
}

}  // namespace polyserve
