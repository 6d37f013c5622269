// SigioPoller: signal-driven I/O (F_SETSIG in fcntl(2), "I/O availability signals" in signal(7)). Each descriptor is
// told once to send a real-time signal to this thread whenever something happens to it; the signal carries the
// descriptor's number and waits in a queue. So there is no set to pass or to scan, and nothing to register but the
// descriptor itself: a wait takes one signal off the queue.
//
//   Add()     F_SETOWN_EX, F_SETSIG, FIOASYNC ─▶ unsure_, because what was ready before sends no signal
//   Wait()    poll(2) of unsure_, if any ─▶ sigtimedwait(2) ─┬▶ the real-time signal: NoteReady(si_fd, si_band)
//                                                            ├▶ SIGIO: the queue was full: all are unsure
//                                                            └▶ the relay's: an eventfd or an epoll is ready
//   Remove()  FIOASYNC off
//
// A signal reports an event, and so is an edge. Levels are made of it: a descriptor that is watched without kEdge stays
// unsure, and is asked by poll(2) before each wait, from an event until it is not ready any more.
//
// The queue is bounded (RLIMIT_SIGPENDING, which counts the signals of all processes of the user). When it is full, the
// kernel sends SIGIO instead, which says nothing but that something was lost. Then the queue is emptied, and one
// poll(2) asks all descriptors. A signal may also be stale, of a connection that had this number before: like any
// readiness, it is a hint.
//
// The owner and the signal belong to the open file description, which a listener that several loops watch (kExclusive)
// has in common: such a descriptor goes by the relay as well.
// Sources: Chandra, Mosberger, "Scalability of Linux Event-Dispatch Mechanisms", USENIX 2001; Kegel, "The C10K
// problem"; Stevens, Fenner, Rudoff, UNIX Network Programming, vol. 1, chapter 25.
#ifndef POLYSERVE_BACKENDS_POLLER_SIGIO_POLLER_H_
#define POLYSERVE_BACKENDS_POLLER_SIGIO_POLLER_H_

#include <poll.h>
#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/poller/poller.h"
#include "backends/poller/signal_relay.h"

namespace polyserve {

class SigioPoller : public Poller {
 public:
  // Blocks the two signals in this thread, for good: unblocked, one that is still queued would end the process. Any
  // trigger will do. Takes no descriptor; the first one that cannot send signals starts the relay's thread.
  static absl::StatusOr<std::unique_ptr<Poller>> Create(Trigger trigger);

  // See Poller. Add() is three system calls, Change() none, Remove() one. They fail if the kernel has no memory, if the
  // relay cannot be started, or if the descriptor is a regular file.
  absl::Status Add(int fd, uint8_t events, Watched& watched) override;
  absl::Status Change(int fd, uint8_t events, Watched& watched) override;
  void Remove(int fd, Watched& watched) override;
  // Takes one signal off the queue, and asks what is unsure. kPeerClosed is reported by poll(2) alone: the end of input
  // sends a signal of its own, so no signal stands for the last bytes and the end.
  absl::Status Wait(Clock::time_point until) override;

 private:
  struct Slot {
    Watched* watched = nullptr;  // Null: not watched.
    uint8_t events = 0;
    bool is_unsure = false;   // It is in unsure_.
    bool is_relayed = false;  // It sends no signals: the relay does.
    uint32_t noted_in = 0;    // The wait in which poll(2) found it ready last.

    bool is_level() const { return (events & kEdge) == 0; }
  };

  SigioPoller();

  Slot& slot(int fd) { return slots_[static_cast<size_t>(fd)]; }
  absl::StatusOr<bool> StartSignals(int fd, bool may_be_others);
  bool IsOwner(int fd) const;
  absl::Status AddToRelay(int fd, uint8_t events);
  void MarkUnsure(int fd);
  // Each notes what is ready, and returns how many descriptors that is.
  absl::StatusOr<int> AskUnsure();
  absl::StatusOr<int> AskRelay();
  absl::Status TakeSignal(Clock::time_point until);
  void NoteSignal(int fd, long band);
  absl::Status AskAll();
  absl::Status TakeBack(int fd);

  const pid_t thread_;                  // That created it: where the signals go.
  sigset_t signals_;                    // The real-time signal and SIGIO.
  uint32_t wait_ = 0;                   // A number for the present wait; modulo 2^32.
  std::vector<Slot> slots_;             // By descriptor. Never shrinks, see PollPoller::indices_.
  std::vector<int> unsure_;             // Descriptors to ask before the next wait.
  std::vector<pollfd> polls_;           // For that question; kept for its memory.
  std::unique_ptr<SignalRelay> relay_;  // Null until a descriptor needs it.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POLLER_SIGIO_POLLER_H_
