#include "load/worker.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int kEventsPerWait = 256;
// Longer waits end early, so that the clock is looked at.
constexpr int64_t kLongestWait = kSecond / 10;

double ProcessorSeconds() {
  rusage usage;
  ::getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Non-blocking; the connection may still be on its way.
UniqueFd StartConnecting(const Endpoint& to) {
  UniqueFd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return fd;
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd.get(), to.address(), to.size()) != 0 && errno != EINPROGRESS) fd.reset();
  return fd;
}

}  // namespace

LoadWorker::LoadWorker(const LoadPlan& plan, uint64_t seed)
    : plan_(plan),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      connections_(static_cast<size_t>(plan.connections)),
      arrivals_(plan.arrivals, plan.rate.value_or(1), seed),
      buffer_(kReadBytes) {
  tally_.per_second.resize(static_cast<size_t>(absl::ToInt64Seconds(absl::Ceil(plan.duration, absl::Seconds(1)))));
}

absl::Status LoadWorker::Connect() {
  if (!epoll_.ok()) return SysError("epoll_create1");
  for (int i = 0; i < plan_.connections + plan_.idle_connections; ++i) {
    absl::StatusOr<UniqueFd> fd = ConnectTcp(plan_.to, plan_.patience);
    if (!fd.ok()) return absl::UnavailableError(absl::StrCat("connection ", i + 1, ": ", fd.status().message()));
    ++tally_.connected;
    if (i >= plan_.connections) {
      idle_.push_back(*std::move(fd));
      continue;
    }
    if (absl::Status status = SetNonBlocking(fd->get(), true); !status.ok()) return status;
    Connection& connection = connections_[static_cast<size_t>(i)];
    connection.fd = *std::move(fd);
    connection.exchange = plan_.make_exchange();
    Await(connection, EPOLLIN, EPOLL_CTL_ADD);
  }
  return absl::OkStatus();
}

int64_t LoadWorker::Now() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

void LoadWorker::Run(int64_t start) {
  const double processor_before = ProcessorSeconds();
  start_ = start;
  count_from_ = start + absl::ToInt64Nanoseconds(plan_.warm_up);
  end_ = count_from_ + absl::ToInt64Nanoseconds(plan_.duration);
  const int64_t give_up = end_ + absl::ToInt64Nanoseconds(plan_.patience);
  next_due_ = start + arrivals_.Next();
  now_ = Now();
  for (Connection& connection : connections_) GoOn(connection);
  while (!ending_) {
    Wait();
    if (open_loop()) AskDue();
    ending_ = now_ >= end_;
  }
  tally_.busiest_thread = (ProcessorSeconds() - processor_before) / (static_cast<double>(now_ - start) / kSecond);
  while ((on_their_way_ > 0 || !overdue_.empty()) && now_ < give_up) Wait();
  CloseBooks();
}

void LoadWorker::Wait() {
  int64_t until = ending_ ? now_ + kLongestWait : std::min(end_, now_ + kLongestWait);
  if (open_loop() && !ending_) until = std::min(until, next_due_);
  const int64_t wait = std::max<int64_t>(until - Now(), 0);
  const timespec timeout = {wait / kSecond, wait % kSecond};
  epoll_event events[kEventsPerWait];
  const int count = ::epoll_pwait2(epoll_.get(), events, kEventsPerWait, &timeout, nullptr);
  now_ = Now();
  for (int i = 0; i < count; ++i) OnEvents(*static_cast<Connection*>(events[i].data.ptr), events[i].events);
}

void LoadWorker::OnEvents(Connection& connection, uint32_t events) {
  if (connection.connecting) {
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(connection.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return OnBroken(connection, tally_.not_connected);
    connection.connecting = false;
    Send(connection);
  } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    OnReadable(connection);
  } else {
    Send(connection);
  }
}

void LoadWorker::OnReadable(Connection& connection) {
  const ssize_t count = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(), 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return OnBroken(connection, tally_.broken);
  now_ = Now();
  if (IsCounted(now_)) tally_.bytes_in += static_cast<uint64_t>(count);
  absl::string_view bytes(buffer_.data(), static_cast<size_t>(count));
  while (!bytes.empty()) {
    const Exchange::Reply reply =
        connection.requests.empty() ? Exchange::Reply::kWrong : connection.exchange->Take(bytes);
    if (reply == Exchange::Reply::kIncomplete) return;
    if (reply == Exchange::Reply::kWrong) return OnBroken(connection, tally_.wrong);
    OnReply(connection);
    if (plan_.connection_each) return Renew(connection);
  }
  GoOn(connection);
}

void LoadWorker::OnReply(Connection& connection) {
  const Request request = connection.requests.front();
  connection.requests.pop_front();
  --on_their_way_;
  if (IsCounted(now_)) {
    ++tally_.replies;
    ++connection.replies;
    ++tally_.per_second[static_cast<size_t>((now_ - count_from_) / kSecond)];
  }
  if (!IsCounted(request.due)) return;
  tally_.service.Add(static_cast<uint64_t>(now_ - request.sent));
  tally_.response.Add(static_cast<uint64_t>(now_ - request.due));
}

// What was on its way is lost, and counts as unanswered; the connection is made anew.
void LoadWorker::OnBroken(Connection& connection, uint64_t& kind) {
  ++kind;
  for (const Request& request : connection.requests) {
    if (IsCounted(request.due)) ++tally_.unanswered;
  }
  on_their_way_ -= static_cast<int>(connection.requests.size());
  connection.requests.clear();
  Renew(connection);
}

void LoadWorker::Renew(Connection& connection) {
  connection.fd.reset();
  connection.unsent = absl::string_view();
  connection.waits_for_room = false;
  connection.exchange = plan_.make_exchange();
  GoOn(connection);
}

// The connection has room for a request: the next one, or the one that has waited for longest.
void LoadWorker::GoOn(Connection& connection) {
  if (open_loop()) {
    if (!connection.requests.empty()) return;
    if (overdue_.empty()) return free_.push_back(&connection);
    const int64_t due = overdue_.front();
    overdue_.pop_front();
    return Ask(connection, due);
  }
  while (!ending_ && static_cast<int>(connection.requests.size()) < plan_.depth && connection.unsent.empty()) {
    Ask(connection, now_);
    if (!connection.fd.ok()) return;
  }
}

void LoadWorker::AskDue() {
  for (; next_due_ <= now_ && next_due_ < end_; next_due_ = start_ + arrivals_.Next()) {
    if (IsCounted(next_due_)) ++tally_.due;
    if (free_.empty()) {
      overdue_.push_back(next_due_);
      continue;
    }
    Connection* connection = free_.front();
    free_.pop_front();
    Ask(*connection, next_due_);
  }
  if (next_due_ >= end_) next_due_ = INT64_MAX;
}

void LoadWorker::Ask(Connection& connection, int64_t due) {
  connection.requests.push_back({due, now_});
  ++on_their_way_;
  connection.unsent = connection.exchange->request();
  if (!connection.fd.ok()) {
    connection.fd = StartConnecting(plan_.to);
    connection.connecting = connection.fd.ok();
    if (!connection.fd.ok()) {  // No descriptor, no port left: the request is lost.
      ++tally_.not_connected;
      connection.requests.pop_back();
      --on_their_way_;
      connection.unsent = absl::string_view();
      if (IsCounted(due)) ++tally_.unanswered;
      if (open_loop()) free_.push_back(&connection);
      return;
    }
    return Await(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
  }
  Send(connection);
}

void LoadWorker::Send(Connection& connection) {
  if (!connection.unsent.empty()) {
    const ssize_t count = ::send(connection.fd.get(), connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (count > 0) connection.unsent.remove_prefix(static_cast<size_t>(count));
    // A connection that is broken is readable as well, and noticed there.
  }
  const bool waits = !connection.unsent.empty();
  const bool was_watched = std::exchange(connection.waits_for_room, waits);
  if (waits != was_watched) Await(connection, waits ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

void LoadWorker::Await(Connection& connection, uint32_t events, int operation) {
  connection.waits_for_room = (events & EPOLLOUT) != 0;
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &connection;
  ::epoll_ctl(epoll_.get(), operation, connection.fd.get(), &event);
}

// What never came is as old as it is now, at least.
void LoadWorker::CloseBooks() {
  const auto count = [this](int64_t due) {
    if (!IsCounted(due)) return;
    ++tally_.unanswered;
    tally_.response.Add(static_cast<uint64_t>(now_ - due));
  };
  for (const Connection& connection : connections_) {
    for (const Request& request : connection.requests) count(request.due);
    tally_.per_connection.push_back(connection.replies);
  }
  for (const int64_t due : overdue_) count(due);
  tally_.seconds = absl::ToDoubleSeconds(plan_.duration);
}

}  // namespace polyserve
