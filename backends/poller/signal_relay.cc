#include "backends/poller/signal_relay.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "backends/poller/poller.h"
#include "base/sys_error.h"
#include "base/thread.h"

namespace polyserve {

namespace {

// A loop has about ten; those beyond are reported by the next call.
constexpr int kMostReady = 64;

uint8_t FromEpoll(uint32_t bits) {
  uint8_t events = 0;
  if ((bits & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) events |= Poller::kReadable;
  if ((bits & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) events |= Poller::kWritable;
  return events;
}

}  // namespace

SignalRelay::SignalRelay(int signal, UniqueFd others, UniqueFd armed, UniqueFd end)
    : signal_(signal),
      loop_(::pthread_self()),
      others_(std::move(others)),
      armed_(std::move(armed)),
      end_(std::move(end)) {}

absl::StatusOr<std::unique_ptr<SignalRelay>> SignalRelay::Create(int signal) {
  UniqueFd others(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd armed(::epoll_create1(EPOLL_CLOEXEC));
  if (!others.ok() || !armed.ok()) return SysError("epoll_create1");
  UniqueFd end(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!end.ok()) return SysError("eventfd");
  std::unique_ptr<SignalRelay> relay(new SignalRelay(signal, std::move(others), std::move(armed), std::move(end)));
  epoll_event at_end = {.events = EPOLLIN, .data = {.fd = relay->end_.get()}};
  if (::epoll_ctl(relay->armed_.get(), EPOLL_CTL_ADD, relay->end_.get(), &at_end) != 0) return SysError("epoll_ctl");
  if (absl::Status status = relay->Arm(EPOLL_CTL_ADD); !status.ok()) return status;
  // Signals are the other threads' to take.
  absl::StatusOr<std::thread> thread = StartThreadWithoutSignals([relay = relay.get()] { relay->Relay(); });
  if (!thread.ok()) return thread.status();
  relay->thread_ = *std::move(thread);
  return relay;
}

SignalRelay::~SignalRelay() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(end_.get(), &one, sizeof(one));
  if (thread_.joinable()) thread_.join();
}

// With EPOLLONESHOT others_ wakes the thread once, and then not again before Arm(): no second signal is queued while
// the loop has not looked. EAGAIN: the queue is full, and SIGIO has a place of its own.
void SignalRelay::Relay() const {
  ::pthread_setname_np(::pthread_self(), "signal relay");  // Among the loops, in top(1).
  while (true) {
    epoll_event event;
    if (::epoll_wait(armed_.get(), &event, 1, -1) <= 0) continue;  // EINTR.
    if (event.data.fd == end_.get()) return;
    if (::pthread_sigqueue(loop_, signal_, sigval{}) != 0) ::pthread_kill(loop_, SIGIO);
  }
}

absl::Status SignalRelay::Arm(int operation) {
  epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data = {.fd = others_.get()}};
  is_armed_ = ::epoll_ctl(armed_.get(), operation, others_.get(), &event) == 0;
  return is_armed_ ? absl::OkStatus() : SysError("epoll_ctl");
}

absl::Status SignalRelay::Control(int operation, int fd, uint8_t events) {
  epoll_event event = {.events = 0, .data = {.fd = fd}};
  if ((events & Poller::kReadable) != 0) event.events |= EPOLLIN;
  if ((events & Poller::kWritable) != 0) event.events |= EPOLLOUT;
  is_armed_ = false;  // So that the next TakeReady() looks.
  return ::epoll_ctl(others_.get(), operation, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

absl::Status SignalRelay::Add(int fd, uint8_t events) { return Control(EPOLL_CTL_ADD, fd, events); }

absl::Status SignalRelay::Change(int fd, uint8_t events) { return Control(EPOLL_CTL_MOD, fd, events); }

void SignalRelay::Remove(int fd) { ::epoll_ctl(others_.get(), EPOLL_CTL_DEL, fd, nullptr); }

// Arming looks at others_ again, so what becomes ready in between is signalled at once.
absl::StatusOr<int> SignalRelay::TakeReady(const std::function<void(int fd, uint8_t events)>& report) {
  if (is_armed_) return 0;
  epoll_event ready[kMostReady];
  const int count = ::epoll_wait(others_.get(), ready, kMostReady, 0);
  if (count < 0) return errno == EINTR ? absl::StatusOr<int>(0) : SysError("epoll_wait");
  for (int i = 0; i < count; ++i) report(ready[i].data.fd, FromEpoll(ready[i].events));
  if (count > 0) return count;
  if (absl::Status status = Arm(EPOLL_CTL_MOD); !status.ok()) return status;
  return 0;
}

}  // namespace polyserve
