#include "backends/poller/epoll_poller.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// How many events one wait fetches. The kernel keeps the others in order for the next one, so a smaller number would be
// as fair; a larger one saves no more than a system call for every 512 events.
constexpr int kEventsPerWait = 512;

// What the kernel calls epoll_params and EPIOCSPARAMS (linux/eventpoll.h): Debian's headers are older. A budget of 0
// packets for each poll is the kernel's own choice.
struct BusyPolling {
  uint32_t microseconds = 0;
  uint16_t budget = 0;
  uint8_t prefers_to_interrupts = 0;
  uint8_t unused = 0;
};
constexpr unsigned long kSetBusyPolling = _IOW(0x8A, 0x01, BusyPolling);

// EPOLLRDHUP has to be asked for, unlike EPOLLHUP; without it the end of input is readable, and no more.
uint32_t ToEpoll(uint8_t events) {
  uint32_t bits = 0;
  if ((events & Poller::kReadable) != 0) bits |= EPOLLIN;
  if ((events & Poller::kWritable) != 0) bits |= EPOLLOUT;
  if ((events & Poller::kPeerClosed) != 0) bits |= EPOLLRDHUP;
  // Without it epoll is level-triggered, as poll(2) is.
  if ((events & Poller::kEdge) != 0) bits |= EPOLLET;
  if ((events & Poller::kExclusive) != 0) bits |= EPOLLEXCLUSIVE;
  if ((events & Poller::kOneShot) != 0) bits |= EPOLLONESHOT;
  return bits;
}

// EPOLLERR and EPOLLHUP come without being asked for, and end either wait.
uint8_t FromEpoll(uint32_t bits) {
  uint8_t events = 0;
  if ((bits & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) events |= Poller::kReadable;
  if ((bits & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) events |= Poller::kWritable;
  if ((bits & EPOLLRDHUP) != 0) events |= Poller::kPeerClosed;
  return events;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> EpollPoller::Create(Trigger) {  // See kEdge.
  return Make(nullptr, kEventsPerWait);
}

absl::StatusOr<std::unique_ptr<Poller>> EpollPoller::CreateShared(Mutex& mutex, int events_per_wait) {
  return Make(&mutex, std::min(events_per_wait, kEventsPerWait));
}

absl::StatusOr<std::unique_ptr<Poller>> EpollPoller::CreateBusyPolling(int microseconds) {
  absl::StatusOr<std::unique_ptr<EpollPoller>> poller = Make(nullptr, kEventsPerWait);
  if (!poller.ok()) return poller.status();
  const BusyPolling wish = {.microseconds = static_cast<uint32_t>(microseconds)};
  if (::ioctl((*poller)->epoll_.get(), kSetBusyPolling, &wish) == 0) return *std::move(poller);
  // Before Linux 6.9 an epoll took no ioctl(2) at all (ENOTTY).
  return absl::UnimplementedError(
      absl::StrCat("busy polling by epoll needs Linux 6.9 with CONFIG_NET_RX_BUSY_POLL: ", std::strerror(errno)));
}

absl::StatusOr<std::unique_ptr<EpollPoller>> EpollPoller::Make(Mutex* mutex, int events_per_wait) {
  // A forked child would inherit it in spite of the flag, and share its set: loops that are processes make their own
  // after the fork.
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  return std::unique_ptr<EpollPoller>(new EpollPoller(std::move(epoll), mutex, events_per_wait));
}

absl::Status EpollPoller::Control(int operation, int fd, uint8_t events, Watched& watched) {
  epoll_event event = {};
  event.events = ToEpoll(events);
  // The kernel stores the pointer, and returns it with each event of this descriptor: nothing has to be looked up.
  event.data.ptr = &watched;
  return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

absl::Status EpollPoller::Add(int fd, uint8_t events, Watched& watched) {
  return Control(EPOLL_CTL_ADD, fd, events, watched);
}

// EPOLL_CTL_MOD looks at the file again, and reports what is ready by then even if its edge is long past: a connection
// that changes from reading to writing misses nothing.
absl::Status EpollPoller::Change(int fd, uint8_t events, Watched& watched) {
  if ((events & kExclusive) != 0) {  // The kernel allows the flag with EPOLL_CTL_ADD alone.
    Remove(fd, watched);
    return Add(fd, events, watched);
  }
  Forget(watched, events);
  absl::Status status = Control(EPOLL_CTL_MOD, fd, events, watched);
  if (!status.ok()) Remove(fd, watched);
  return status;
}

void EpollPoller::Remove(int fd, Watched& watched) {
  Forget(watched);
  // Fails only if the descriptor is not in the set. The event has been optional since Linux 2.6.9 (epoll_ctl(2)).
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

// EINTR: epoll_wait(2) is never restarted after a signal handler, whatever its SA_RESTART (signal(7)). That is no
// error, and what the handler did shows at a descriptor.
absl::Status EpollPoller::Wait(Clock::time_point until) {
  epoll_event events[kEventsPerWait];
  if (mutex_ != nullptr) mutex_->unlock();
  const int count = ::epoll_wait(epoll_.get(), events, events_per_wait_, Milliseconds(until));
  const int error = errno;  // The lock may change it.
  if (mutex_ != nullptr) mutex_->lock();
  errno = error;
  if (count < 0) return error == EINTR ? absl::OkStatus() : SysError("epoll_wait");
  // Only what is ready has come back: the loop is as long as there is work, however many descriptors are watched.
  for (int i = 0; i < count; ++i) NoteReady(*static_cast<Watched*>(events[i].data.ptr), FromEpoll(events[i].events));
  return absl::OkStatus();
}

}  // namespace polyserve
