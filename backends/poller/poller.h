// Poller: how an event loop waits for many descriptors at once. Five functions (add, change, remove, wait, and the
// destructor, which closes), and five ways to do it:
//
//   SelectPoller    select(2)      hands the kernel a set of bits at each wait
//   PollPoller      poll(2)        hands the kernel a list at each wait
//   SigioPoller     sigwaitinfo(2) tells the kernel once, and gets a signal for each event
//   EpollPoller     epoll_wait(2)  tells the kernel once, and gets the ready ones alone; level and edge
//   LibeventPoller  a library      what it prefers on this system, or one of the three
//
//   poller->Add(fd, Poller::kReadable, client);
//   while (serving) {
//     poller->Wait(deadline);
//     poller->Dispatch();  // Calls client.OnEvents(Poller::kReadable) if fd is readable.
//   }
//   poller->Remove(fd, client);
//
// Not thread-safe: one thread owns a poller and everything that it watches. It owns no descriptor but its own.
#ifndef POLYSERVE_BACKENDS_POLLER_POLLER_H_
#define POLYSERVE_BACKENDS_POLLER_POLLER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace polyserve {

enum class Trigger {
  kLevel,  // Readiness is reported as long as it lasts.
  kEdge,   // Readiness is reported once, when it begins: the reader must go on until the socket is empty.
};

// The owner of a watched descriptor. Registered by its address, so it must not move while it is watched.
class Watched {
 public:
  // The descriptor is ready for these events. An error or a hang-up counts as ready for everything, so that the next
  // call on the descriptor finds it: `events` may then include one that was not asked for. May add, change, remove and
  // destroy any Watched, itself included.
  virtual void OnEvents(uint8_t events) = 0;

 protected:
  ~Watched() = default;

 private:
  friend class Poller;
  uint32_t noted_at_ = 0;  // Its place in the poller's list of what is ready, if it is there.
};

class Poller {
 public:
  enum Event : uint8_t {
    kReadable = 1,  // Bytes, a client to accept, or the end of input.
    kWritable = 2,  // Room in the send buffer.
    // The peer has stopped sending. Only with kEdge; ignored by pollers without edges. Need not be reported if the
    // end of input has an event of its own (SigioPoller).
    kPeerClosed = 4,
    // How to watch, never reported. kExclusive goes with kReadable, kWritable and kEdge only, and Change() cannot take
    // it away again: Remove() first. (These are the rules of EPOLLEXCLUSIVE, see epoll_ctl(2).)
    kEdge = 8,        // See Trigger. Only on pollers that were created with Trigger::kEdge.
    kOneShot = 32,    // Reports one event; then nothing, until Change() asks again. Only on an EpollPoller.
    kExclusive = 16,  // Several pollers watch the same file: wake one of them, not all. A hint, see EpollPoller.
  };
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::time_point kNoWait = Clock::time_point::min();
  static constexpr Clock::time_point kForEver = Clock::time_point::max();

  Poller() = default;
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  virtual ~Poller() = default;

  // Watches a descriptor for these events (not 0). It must not be watched yet, and must be removed before it is closed:
  // after that its number may belong to another file, and an epoll keeps a closed descriptor in its set as long as a
  // duplicate of it is open, in a forked child for example (epoll(7)).
  // Fails if this poller cannot watch this descriptor, or if the system has no room for one more.
  virtual absl::Status Add(int fd, uint8_t events, Watched& watched) = 0;
  // Watches for these events (not 0) instead. With kEdge, what is ready already is reported once more. With kExclusive,
  // moves behind the other pollers that wait for the same file. If it fails, the descriptor is not watched any
  // more.
  virtual absl::Status Change(int fd, uint8_t events, Watched& watched) = 0;
  // From now on, also in the middle of Dispatch(), OnEvents() is not called.
  virtual void Remove(int fd, Watched& watched) = 0;
  // Blocks until something is ready or `until` has come, and notes what is ready. If very many descriptors are ready,
  // it may note a part of them; the next wait notes the others first. May return a few milliseconds early (libevent's
  // clock is coarse), so the caller looks at the clock. A caught signal may end the wait, which is no error; libevent
  // waits on, so a signal that matters has to make a descriptor readable (net/signals.h). Fails only if the kernel
  // refuses the call itself.
  virtual absl::Status Wait(Clock::time_point until) = 0;

  // Calls OnEvents() of all that the last Wait() has noted.
  void Dispatch();

  // Adds, changes or removes, whichever leads from the events in `current` to `wanted` (0: not watched), and notes the
  // outcome there.
  absl::Status Set(int fd, uint8_t& current, uint8_t wanted, Watched& watched);

 protected:
  // For Wait(): to be reported by the next Dispatch().
  void NoteReady(Watched& watched, uint8_t events);
  // For Change() and Remove(): of what is noted, reports only these events. Constant time, like NoteReady().
  void Forget(const Watched& watched, uint8_t except = 0);
  // The time-out for poll(2) and epoll_wait(2): -1 for ever, otherwise rounded up.
  static int Milliseconds(Clock::time_point until);
  static absl::Status RefuseEdges(Trigger trigger, absl::string_view poller);

 private:
  struct Ready {
    Watched* watched;
    uint8_t events;
  };
  // What is noted for it; null if nothing is.
  Ready* Find(const Watched& watched);

  std::vector<Ready> ready_;
  size_t next_ = 0;  // The entries before it have been reported.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_POLLER_H_
