#include "backends/acceptor.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/sys_error.h"
#include "glog/logging.h"
#include "net/signals.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr size_t kSignals = 0;  // Places among the waits.
constexpr size_t kAlso = 1;
constexpr size_t kPlace = 2;
constexpr size_t kFirstListener = 3;

// How often it is said that clients are refused.
constexpr int kSecondsBetweenLogs = 10;

UniqueFd OpenSpare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

// Edges: each acceptor sees all events, and takes none away from another.
UniqueFd WatchPlaces(const Turnstile& turnstile) {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLET;
  if (epoll.ok() && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, turnstile.fd(), &event) != 0) epoll.reset();
  return epoll;
}

}  // namespace

Acceptor::Acceptor(ServeContext& context, Options options)
    : context_(context),
      options_(std::move(options)),
      spare_(OpenSpare()),
      needs_place_(context.turnstile != nullptr && context.turnstile->overload() == Turnstile::Overload::kWait),
      backlog_left_(kListenBacklog) {
  waits_ = {{Signals::fd(), POLLIN, 0}, {-1, POLLIN, 0}, {-1, POLLIN, 0}};
  for (const Listener& listener : context.listeners) waits_.push_back({listener.fd.get(), POLLIN, 0});
}

absl::StatusOr<Connection> Acceptor::TryAccept(const Listener& listener) {
  if (needs_place_ && !places_.ok()) places_ = WatchPlaces(*context_.turnstile);
  if (needs_place_ && !places_.ok()) return absl::ResourceExhaustedError("no descriptor is left");
  if (needs_place_ && !context_.turnstile->TryEnter(context_.statistics.counters())) {
    awaits_place_ = true;
    return absl::FailedPreconditionError("the server is full");
  }
  absl::StatusOr<Connection> connection = Accept(listener);
  if (connection.ok()) return Admit(*std::move(connection), needs_place_);
  if (needs_place_) Withdraw();
  return connection;
}

absl::StatusOr<Connection> Acceptor::Accept(const Listener& listener) {
  while (true) {
    UniqueFd fd(
        ::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | (options_.non_blocking ? SOCK_NONBLOCK : 0)));
    if (fd.ok()) return Connection{std::move(fd), &listener};
    // EINVAL: the listener was shut down, while others still hold it (the workers of a pool).
    if (errno == EAGAIN || errno == EINVAL) return absl::UnavailableError("nobody is there");
    if (IsShortage(errno)) {
      const absl::Status shortage = SysError("accept", listener.service);
      TurnAwayWithSpare(listener, shortage);
      return absl::ResourceExhaustedError(shortage.message());
    }
    // Anything else is that one client's bad luck: reset before it was accepted, interrupted (see accept(2)).
  }
}

absl::StatusOr<Connection> Acceptor::TryTake(Inbox& inbox) {
  absl::StatusOr<Connection> connection = inbox.Take();
  if (connection.ok()) return Admit(*std::move(connection), true);
  if (absl::IsResourceExhausted(connection.status())) {
    Withdraw();
    Counters::Add(context_.statistics.counters().refused, 1);
    LogShortage(std::strerror(EMFILE));
  }
  return connection.status();
}

// Counts a client in, unless it is so already, the model cannot watch its descriptor, or the server is full.
absl::StatusOr<Connection> Acceptor::Admit(Connection connection, bool is_counted) {
  Counters& counters = context_.statistics.counters();
  if (!spare_.ok()) spare_ = OpenSpare();  // Lost in a shortage that seems to be over.
  if (connection.fd.get() > options_.max_descriptor) {
    if (is_counted) Withdraw();
    Counters::Add(counters.refused, 1);
    LOG_EVERY_N(WARNING, 100) << "refused a connection: its descriptor " << connection.fd.get() << " is above "
                              << options_.max_descriptor << ", the most this model can watch (refused so far: "
                              << context_.statistics.Total().refused << ")";
    return absl::UnavailableError("the client was refused");  // Back to the others, for a turn.
  }
  if (!is_counted && context_.turnstile == nullptr) {
    Counters::Add(counters.accepted, 1);
  } else if (!is_counted && !context_.turnstile->TryEnter(counters)) {
    Counters::Add(counters.refused, 1);
    LOG_EVERY_T(WARNING, kSecondsBetweenLogs)
        << "refused a connection: there are as many as --max_connections=" << context_.turnstile->most()
        << " allows (refused so far: " << context_.statistics.Total().refused << ")";
    return absl::UnavailableError("the client was refused");
  }
  return connection;
}

// Whoever was counted in has not come, or cannot stay.
void Acceptor::Withdraw() {
  Counters::Add(context_.statistics.counters().accepted, -1);
  if (context_.turnstile != nullptr) context_.turnstile->OnLeave();
}

void Acceptor::TakePlaceEvent() {
  epoll_event event;
  if (places_.ok()) ::epoll_wait(places_.get(), &event, 1, 0);
  awaits_place_ = false;
}

void Acceptor::TurnAwayWithSpare(const Listener& listener, const absl::Status& why) {
  spare_.reset();
  {
    const UniqueFd turned_away(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (turned_away.ok()) Counters::Add(context_.statistics.counters().refused, 1);
  }  // Closed before its number is needed for the next spare.
  spare_ = OpenSpare();
  LogShortage(why.message());
}

void Acceptor::LogShortage(absl::string_view why) const {
  LOG_EVERY_N(WARNING, 10) << "no connection can be accepted: " << why << "; pausing for " << kPause
                           << " (raise the limit with 'ulimit -n'; refused so far: "
                           << context_.statistics.Total().refused << ")";
}

void Acceptor::Refuse(Connection connection, const absl::Status& why) {
  Withdraw();
  Counters::Add(context_.statistics.counters().refused, 1);
  LOG_EVERY_N(WARNING, 10) << "refused a connection: " << why.message() << "; pausing for " << kPause
                           << " (refused so far: " << context_.statistics.Total().refused << ")";
  connection.fd.reset();
  pause_.emplace(kPause);
}

absl::StatusOr<Connection> Acceptor::Next() {
  while (true) {
    if (Signals::stopping()) return NextOfBacklog();
    Wait({});
    absl::StatusOr<Connection> connection = TakeSeen();
    if (connection.ok()) return connection;
  }
}

absl::StatusOr<Connection> Acceptor::TakeSeen() {
  for (size_t i = 0; i < context_.listeners.size(); ++i) {
    const size_t at = (turn_ + i) % context_.listeners.size();
    if ((waits_[kFirstListener + at].revents & POLLIN) == 0) continue;
    turn_ = at + 1;
    absl::StatusOr<Connection> connection = TryAccept(context_.listeners[at]);
    if (connection.ok()) return connection;
    if (absl::IsResourceExhausted(connection.status())) pause_.emplace(kPause);
  }
  return absl::UnavailableError("nobody is there");
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
  for (Listener& listener : context_.listeners) {
    ::shutdown(listener.fd.get(), SHUT_RDWR);  // Others may hold it as well; and clients are to be told at once.
    listener.fd.reset();
  }
  return absl::CancelledError("the server stops");
}

void Acceptor::Wait(const Awaited& awaited) {
  if (pause_.has_value() && pause_->passed()) pause_.reset();
  const bool looks_for_clients = awaited.clients && !pause_.has_value() && !awaits_place_;
  waits_[kAlso].fd = awaited.also;
  waits_[kPlace].fd = awaits_place_ ? places_.get() : -1;
  for (pollfd& wait : waits_) wait.revents = 0;
  int timeout = awaited.at_most == absl::InfiniteDuration() ? -1 : Deadline(awaited.at_most).PollMilliseconds();
  if (awaited.clients && pause_.has_value()) {
    const int pause = pause_->PollMilliseconds();
    timeout = timeout < 0 ? pause : std::min(timeout, pause);
  }
  ::poll(waits_.data(), looks_for_clients ? waits_.size() : kFirstListener, timeout);
  if ((waits_[kPlace].revents & POLLIN) != 0) TakePlaceEvent();
  if ((waits_[kSignals].revents & POLLIN) == 0) return;
  const unsigned events = Signals::Take();
  AnswerCommonSignals(events, context_);
  if ((events & Signals::kChildEnded) != 0) options_.on_child_ended();
}

}  // namespace polyserve
