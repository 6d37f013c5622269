#include "backends/connection/upstream.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/sys_error.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// Of connect(2). EAGAIN is an error there: a socket that is not connecting would seem ready at once.
bool IsUnderWay(int result) { return result == -EINPROGRESS || result == -EALREADY; }

}  // namespace

Upstream& Upstream::Of(Output& output, Socket socket) {
  Output::Asked& asked = output.asked();
  if (asked.exchange == nullptr) asked.exchange = std::make_unique<Upstream>(asked.question, socket);
  return *Find(output);
}

// No other class is ever put there: the drivers of a server all call Of().
Upstream* Upstream::Find(Output& output) {
  return output.asks() ? static_cast<Upstream*>(output.asked().exchange.get()) : nullptr;
}

void Upstream::Answer(Output& output) {
  absl::StatusOr<std::string> reply = std::move(Find(output)->result_);
  output.Answer(std::move(reply));
}

// The line may end with CR LF, so there is room for two bytes more.
Upstream::Upstream(const Output::Question& question, Socket socket)
    : name_(question.name.empty() ? question.to.ToString() : question.name),
      deadline_(question.patience),
      patience_(question.patience),
      to_(question.to),
      request_(absl::StrCat(question.line, "\n")),
      unsent_(request_),
      reply_(question.max_reply_bytes + 2, '\0') {
  question.connect != nullptr ? Adopt(question.connect(), socket) : Begin(socket);
}

void Upstream::Begin(Socket socket) {
  const int flags = SOCK_CLOEXEC | (socket == Socket::kNonBlocking ? SOCK_NONBLOCK : 0);
  fd_ = UniqueFd(::socket(to_.family(), SOCK_STREAM | flags, 0));
  if (!fd_.ok()) Fail(SysError("socket for", name_));
}

// Flags belong to this end of the connection alone, so they can be set whatever the other end is.
void Upstream::Adopt(absl::StatusOr<UniqueFd> connection, Socket socket) {
  if (!connection.ok()) return Fail(connection.status());
  fd_ = *std::move(connection);
  if (socket == Socket::kNonBlocking && ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK) != 0) {
    return Fail(SysError("fcntl for", name_));
  }
  phase_ = Phase::kSend;
}

Upstream::~Upstream() { watch = nullptr; }

void Upstream::Fail(absl::Status status) {
  if (is_over()) return;
  phase_ = Phase::kOver;
  result_ = std::move(status);
}

// Each phase begins with its system call: readiness is only a hint, and the call says by EAGAIN if it was wrong. The
// time comes last: a reply that is there counts, however late this driver looks.
bool Upstream::Step() {
  while (!is_over()) {
    const int result = Move();
    if (phase_ == Phase::kConnect ? IsUnderWay(result) : result == -EAGAIN) {
      if (deadline_.passed()) OnResult(-ECANCELED);
      break;
    }
    OnResult(result);
  }
  return is_over();
}

// connect(2) is called again for the outcome: 0 once the connection is there (or EISCONN), its error if there is none.
int Upstream::Connect() {
  const int result = ::connect(fd_.get(), to_.address(), to_.size());
  return result == 0 || errno == EISCONN ? 0 : -errno;
}

int Upstream::Move() {
  if (phase_ == Phase::kConnect) return Connect();
  const ssize_t count = phase_ == Phase::kSend ? ::send(fd_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL)
                                               : ::recv(fd_.get(), room(), room_bytes(), 0);
  return static_cast<int>(count < 0 ? -errno : count);
}

void Upstream::OnResult(int result) {
  if (is_over()) return;
  // A ring may end a connect that it cancels by EINTR. It has begun all the same, and one that is started again says
  // so by EALREADY.
  if (result == -ECANCELED || result == -EINTR || result == -EALREADY) {
    if (deadline_.passed()) {
      Fail(absl::DeadlineExceededError(
          absl::StrCat(name_, " has not answered within ", absl::FormatDuration(patience_))));
    }
  } else if (result < 0) {
    OnError(-result);
  } else if (phase_ == Phase::kConnect) {
    OnConnected();
  } else if (phase_ == Phase::kSend) {
    unsent_.remove_prefix(static_cast<size_t>(result));
    if (unsent_.empty()) phase_ = Phase::kReceive;
  } else {
    OnReceived(static_cast<size_t>(result));
  }
}

// EADDRNOTAVAIL: no port is left to connect from (connect(2)), which is a want of ours. By its usual code it would be
// the other server's fault.
void Upstream::OnError(int error) {
  errno = error;
  constexpr const char* kCalls[] = {"connect to", "send to", "receive from"};
  const absl::Status status = SysError(kCalls[static_cast<uint8_t>(phase_)], name_);
  Fail(error == EADDRNOTAVAIL ? absl::ResourceExhaustedError(status.message()) : status);
}

// A socket may be connected to itself, if nothing listens there; it would then hear its own question as the answer.
void Upstream::OnConnected() {
  if (const int error = OutcomeOfConnecting(fd_.get()); error != 0) return OnError(error);
  phase_ = Phase::kSend;
}

// Only what has just come is searched. What follows the line is of no interest, and lost with the connection.
void Upstream::OnReceived(size_t count) {
  if (count == 0) {
    return Fail(absl::UnavailableError(
        absl::StrCat(name_, " has ended the connection ", received_ == 0 ? "without an answer" : "within its answer")));
  }
  const size_t end = absl::string_view(reply_.data(), received_ + count).find('\n', received_);
  received_ += count;
  const size_t most = reply_.size() - 2;
  const absl::string_view line(reply_.data(), end == absl::string_view::npos ? received_ : end);
  const absl::string_view text = absl::StripSuffix(line, "\r");
  if (text.size() > most || (end == absl::string_view::npos && received_ == reply_.size())) {
    return Fail(absl::InvalidArgumentError(absl::StrCat(name_, " has answered more than ", most, " bytes")));
  }
  if (end == absl::string_view::npos) return;
  result_ = std::string(text);
  phase_ = Phase::kOver;
}

}  // namespace polyserve
