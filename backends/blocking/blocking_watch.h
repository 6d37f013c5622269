// BlockingWatch: how the blocking driver asks for its peer's progress (net/progress_watch.h). It has no ticks: a
// wait that the kernel's time-out has ended, or a read within a request, makes it look at the clock.
#ifndef POLYSERVE_BACKENDS_BLOCKING_BLOCKING_WATCH_H_
#define POLYSERVE_BACKENDS_BLOCKING_BLOCKING_WATCH_H_

#include <cstdint>

#include "absl/time/time.h"
#include "net/progress_watch.h"

namespace polyserve {

class BlockingWatch {
 public:
  // The connection has to outlive it. Its reads time out after `idle_timeout`, its sends after
  // limits.send_wait().
  BlockingWatch(int fd, absl::Duration idle_timeout, const ProgressLimits& limits)
      : fd_(fd), idle_timeout_(idle_timeout), limits_(limits) {}

  // How long a wait for input, and one for room, may last before this is asked again.
  absl::Duration input_wait() const { return waits_are_short_ ? limits_.tick() : idle_timeout_; }
  absl::Duration room_wait() const { return limits_.tick(); }

  // Bytes have come.
  void NoteInput() { has_heard_ = true; }
  // The peer does not owe this any more.
  void Settle(Debt debt) {
    if (owed_ == debt) owed_ = Debt::kNothing;
  }

  // Before a read, if the peer owes the rest of a request. False: it is too slow, or silent.
  bool MayReadOn();
  // After a wait for input that took all of input_wait(), if the peer owes nothing. False: it is silent.
  bool MayStaySilent();
  // After a wait for room, while something is unsent. False: the peer is too slow, or silent, and the connection will
  // be reset when it is closed.
  bool MayTakeLonger();

 private:
  uint32_t Now() const;
  bool Judge(Debt debt);
  void ShortenWaits();

  const int fd_;
  const absl::Duration idle_timeout_;
  const ProgressLimits limits_;
  ProgressWatch watch_;
  Debt owed_ = Debt::kNothing;
  uint32_t judged_ = 0;           // The tick at which it was judged last.
  bool has_heard_ = false;        // Since it was judged last.
  bool waits_are_short_ = false;  // For good, once they are: that costs a system call, and few connections need it.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_BLOCKING_WATCH_H_
