// LibeventPoller: the same through libevent, which chooses how to wait: what a program does that wants readiness and
// does not care how it is reported (https://libevent.org, "event.h"). Costs a struct event for each descriptor, and the
// library's own bookkeeping: a callback for each event, a heap for the time-out. It has no exclusive wake-up, so
// kExclusive is ignored: all loops that share a listener are woken.
//
//   Add()      ─▶ event_add
//   Wait()     ─▶ event_base_loop(EVLOOP_ONCE) ─▶ OnReady(), once for each ready descriptor ─▶ NoteReady()
//   Remove()   ─▶ event_del
//   Change()   ─▶ event_del, event_add: libevent has no call for it
//
// The library would call the owner from within its loop. Here its callback only notes the event, and Dispatch() calls
// the owner later, so that handlers may do the same as under the other pollers.
#ifndef POLYSERVE_BACKENDS_POLLER_LIBEVENT_POLLER_H_
#define POLYSERVE_BACKENDS_POLLER_LIBEVENT_POLLER_H_

#include <event2/event.h>
#include <event2/event_struct.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/poller/poller.h"

namespace polyserve {

class LibeventPoller : public Poller {
 public:
  // `method` is select, poll or epoll; empty: the library's own choice. With select, the caller watches no descriptor
  // above SelectPoller::kMaxDescriptor: the library does not check. InvalidArgument: libevent does not have the method
  // here, or no edges with it. ResourceExhausted: too few descriptors are left.
  static absl::StatusOr<std::unique_ptr<Poller>> Create(const std::string& method, Trigger trigger);
  ~LibeventPoller() override;

  // See Poller. They fail if the library runs out of memory, or what it waits with refuses the descriptor.
  absl::Status Add(int fd, uint8_t events, Watched& watched) override;
  absl::Status Change(int fd, uint8_t events, Watched& watched) override;
  void Remove(int fd, Watched& watched) override;
  // Does not return for a signal: the library takes EINTR for an empty wait, and with EVLOOP_ONCE waits on.
  absl::Status Wait(Clock::time_point until) override;

 private:
  using BasePointer = std::unique_ptr<event_base, void (*)(event_base*)>;
  // What the library holds a pointer to while a descriptor is watched.
  struct Registration {
    Watched* watched = nullptr;
    event ready = {};
  };

  explicit LibeventPoller(BasePointer base);

  Registration& registration(int fd) { return registrations_[static_cast<size_t>(fd)]; }
  // Arms the library's timer, unless it is set to this time already.
  void SetTimeOut(Clock::time_point until);
  // The library's callback; `self` is the poller.
  static void OnReady(int fd, short what, void* self);

  const BasePointer base_;
  std::deque<Registration> registrations_;  // By descriptor. A deque, because the library keeps pointers to the events.
  event time_out_;
  Clock::time_point time_out_at_ = kForEver;  // When time_out_ fires; kForEver: it is not set.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_LIBEVENT_POLLER_H_
