#include "backends/acceptor.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "glog/logging.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

UniqueFd OpenSpare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

Acceptor::Acceptor(ServeContext& context, Options options)
    : context_(context), options_(std::move(options)), spare_(OpenSpare()), backlog_left_(kListenBacklog) {
  waits_.push_back({Signals::fd(), POLLIN, 0});
  for (const Listener& listener : context.listeners) waits_.push_back({listener.fd.get(), POLLIN, 0});
}

absl::StatusOr<Connection> Acceptor::TryAccept(const Listener& listener) {
  while (true) {
    UniqueFd fd(
        ::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | (options_.non_blocking ? SOCK_NONBLOCK : 0)));
    if (fd.ok() && fd.get() <= options_.max_descriptor) {
      Counters::Add(context_.statistics.counters().accepted, 1);
      if (!spare_.ok()) spare_ = OpenSpare();  // Lost in a shortage that seems to be over.
      return Connection{std::move(fd), &listener};
    }
    if (fd.ok()) {
      Counters::Add(context_.statistics.counters().refused, 1);
      LOG_EVERY_N(WARNING, 100) << "refused a connection: its descriptor " << fd.get() << " is above "
                                << options_.max_descriptor << ", the most this model can watch (refused so far: "
                                << context_.statistics.counters().refused << ")";
      return absl::UnavailableError("the client was refused");  // Back to the others, for a turn.
    }
    if (errno == EAGAIN) return absl::UnavailableError("nobody is there");
    if (IsShortage(errno)) {
      const absl::Status shortage = SysError("accept", listener.service);
      TurnAwayWithSpare(listener, shortage);
      return absl::ResourceExhaustedError(shortage.message());
    }
    // Anything else is that one client's bad luck: reset before it was accepted, interrupted (see accept(2)).
  }
}

void Acceptor::TurnAwayWithSpare(const Listener& listener, const absl::Status& why) {
  spare_.reset();
  {
    const UniqueFd turned_away(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (turned_away.ok()) Counters::Add(context_.statistics.counters().refused, 1);
  }  // Closed before its number is needed for the next spare.
  spare_ = OpenSpare();
  LOG_EVERY_N(WARNING, 10) << "no connection can be accepted: " << why.message() << "; pausing for " << kPause
                           << " (raise the limit with 'ulimit -n'; refused so far: "
                           << context_.statistics.counters().refused << ")";
}

void Acceptor::Refuse(Connection connection, const absl::Status& why) {
  Counters& counters = context_.statistics.counters();
  Counters::Add(counters.accepted, -1);
  Counters::Add(counters.refused, 1);
  LOG_EVERY_N(WARNING, 10) << "refused a connection: " << why.message() << "; pausing for " << kPause
                           << " (refused so far: " << counters.refused << ")";
  connection.fd.reset();
  pause_.emplace(kPause);
}

absl::StatusOr<Connection> Acceptor::Next() {
  while (true) {
    if (Signals::stopping()) return NextOfBacklog();
    Wait();
    for (size_t i = 0; i < context_.listeners.size(); ++i) {
      const size_t at = (turn_ + i) % context_.listeners.size();
      if ((waits_[at + 1].revents & POLLIN) == 0) continue;
      turn_ = at + 1;
      absl::StatusOr<Connection> connection = TryAccept(context_.listeners[at]);
      if (connection.ok()) return connection;
      if (absl::IsResourceExhausted(connection.status())) pause_.emplace(kPause);
    }
  }
}

// Those who were in the queue when the stop came may have sent a request already; they are still served.
absl::StatusOr<Connection> Acceptor::NextOfBacklog() {
  for (const Listener& listener : context_.listeners) {
    while (listener.fd.ok() && backlog_left_ > 0) {
      absl::StatusOr<Connection> connection = TryAccept(listener);
      if (absl::IsResourceExhausted(connection.status())) {
        ::poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(kPause)));
        continue;
      }
      if (!connection.ok()) break;
      --backlog_left_;
      return connection;
    }
  }
  for (Listener& listener : context_.listeners) listener.fd.reset();  // From now on clients are told at once.
  return absl::CancelledError("the server stops");
}

void Acceptor::Wait() {
  int timeout = -1;
  nfds_t watched = waits_.size();
  if (pause_.has_value() && pause_->passed()) pause_.reset();
  if (pause_.has_value()) {
    timeout = pause_->PollMilliseconds();
    watched = 1;  // The signals alone.
  }
  for (pollfd& wait : waits_) wait.revents = 0;
  ::poll(waits_.data(), watched, timeout);
  if ((waits_[0].revents & POLLIN) == 0) return;
  const unsigned events = Signals::Take();
  AnswerCommonSignals(events, context_);
  if ((events & Signals::kChildEnded) != 0) options_.on_child_ended();
}

}  // namespace polyserve
