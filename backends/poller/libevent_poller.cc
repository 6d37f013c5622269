#include "backends/poller/libevent_poller.h"

#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/descriptor_limit.h"
#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// libevent's, on Linux. It takes no name of a method to use, only names of methods to avoid.
constexpr const char* kMethods[] = {"select", "poll", "epoll"};

// libevent ends the process if it cannot get the few descriptors that it needs for itself, so they are tried first.
constexpr int kDescriptorsOfLibevent = 4;

// EV_PERSIST: otherwise the library forgets an event as soon as it has called back. EV_CLOSED goes with edges alone:
// with levels the end of input is readable, and stays so.
short ToLibevent(uint8_t events) {
  int bits = EV_PERSIST;
  if ((events & Poller::kReadable) != 0) bits |= EV_READ;
  if ((events & Poller::kWritable) != 0) bits |= EV_WRITE;
  if ((events & Poller::kEdge) != 0) bits |= EV_ET;
  if ((events & Poller::kEdge) != 0 && (events & Poller::kPeerClosed) != 0) bits |= EV_CLOSED;
  return static_cast<short>(bits);
}

uint8_t FromLibevent(short what) {
  uint8_t events = 0;
  if ((what & EV_READ) != 0) events |= Poller::kReadable;
  if ((what & EV_WRITE) != 0) events |= Poller::kWritable;
  if ((what & EV_CLOSED) != 0) events |= Poller::kPeerClosed;
  return events;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Poller>> LibeventPoller::Create(const std::string& method, Trigger trigger) {
  absl::Status status = CheckDescriptorsAreLeft(kDescriptorsOfLibevent, "an event loop needs descriptors");
  if (!status.ok()) return status;
  const std::unique_ptr<event_config, void (*)(event_config*)> config(event_config_new(), &event_config_free);
  // The environment (EVENT_NOEPOLL and the like) must not change what is measured; one thread needs no locks.
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_IGNORE_ENV);
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK);
  // Not by event_get_supported_methods(): its result is shared by all threads, and the next call frees it.
  for (const char* other : kMethods) {
    if (!method.empty() && method != other) event_config_avoid_method(config.get(), other);
  }
  BasePointer base(event_base_new_with_config(config.get()), &event_base_free);
  if (base == nullptr && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) return SysError("event_base_new");
  if (base == nullptr) return absl::InvalidArgumentError(absl::StrCat("libevent has no method '", method, "' here"));
  if (trigger == Trigger::kEdge && (event_base_get_features(base.get()) & EV_FEATURE_ET) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("libevent has no edge triggering with ",
                                                   event_base_get_method(base.get()), "; use --trigger=level"));
  }
  return std::unique_ptr<Poller>(new LibeventPoller(std::move(base)));
}

// event_base_loop() has no parameter for a time-out, so a timer event ends the wait.
LibeventPoller::LibeventPoller(BasePointer base) : base_(std::move(base)) {
  const auto on_time_out = [](evutil_socket_t, short, void* self) {
    static_cast<LibeventPoller*>(self)->time_out_at_ = kForEver;  // One that has fired is not set any more.
  };
  CHECK_EQ(event_assign(&time_out_, base_.get(), -1, 0, on_time_out, this), 0);
}

LibeventPoller::~LibeventPoller() { event_del(&time_out_); }

// event_assign() fails only if signals and descriptors are mixed, hence the CHECK. event_add() asks the system.
absl::Status LibeventPoller::Add(int fd, uint8_t events, Watched& watched) {
  if (registrations_.size() <= static_cast<size_t>(fd)) registrations_.resize(static_cast<size_t>(fd) + 1);
  registration(fd).watched = &watched;
  event& ready = registration(fd).ready;
  CHECK_EQ(event_assign(&ready, base_.get(), fd, ToLibevent(events), &OnReady, this), 0);
  return event_add(&ready, nullptr) == 0 ? absl::OkStatus() : SysError("event_add");
}

// A loop that shares its listener asks for it anew after each client. Without an exclusive wake-up that would be an
// event_del and an event_add for nothing, so it is skipped.
absl::Status LibeventPoller::Change(int fd, uint8_t events, Watched& watched) {
  const event& ready = registration(fd).ready;
  if ((events & kExclusive) != 0 && event_get_events(&ready) == ToLibevent(events)) return absl::OkStatus();
  Remove(fd, watched);  // An event that is pending cannot be assigned anew.
  return Add(fd, events, watched);
}

void LibeventPoller::Remove(int fd, Watched& watched) {
  Forget(watched);
  event_del(&registration(fd).ready);
}

void LibeventPoller::OnReady(int fd, short what, void* self) {
  LibeventPoller* poller = static_cast<LibeventPoller*>(self);
  poller->NoteReady(*poller->registration(fd).watched, FromLibevent(what));
}

// EVLOOP_ONCE returns once a callback has run, be it the timer's. Without a wait the timer stays as it is, for the next
// one; if it fires in between, that does no harm.
absl::Status LibeventPoller::Wait(Clock::time_point until) {
  if (until != kNoWait) SetTimeOut(until);
  const int flags = until == kNoWait ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE;
  // 1 means that no event is registered, which is no error.
  if (event_base_loop(base_.get(), flags) < 0) return absl::InternalError("libevent's loop has failed");
  return absl::OkStatus();
}

// The deadline of a wait is mostly that of the wait before, a tick or a timer that is still to come: then the library's
// heap is left alone.
void LibeventPoller::SetTimeOut(Clock::time_point until) {
  using std::chrono::microseconds;
  if (until == time_out_at_) return;
  time_out_at_ = until;
  event_del(&time_out_);
  if (until == kForEver) return;
  const auto left = std::max(std::chrono::ceil<microseconds>(until - Clock::now()), microseconds(0));
  const timeval time_out = {left.count() / 1'000'000, left.count() % 1'000'000};
  event_add(&time_out_, &time_out);
}

}  // namespace polyserve
