// BlockingWatch: how the blocking driver judges its peer's progress (net/progress_watch.h). Event loops judge all their
// clients when a coarse clock ticks. A thread that waits in a system call has no ticks. Here the kernel's time-outs
// (SO_RCVTIMEO, SO_SNDTIMEO) end the waits, and only then, or before a read within a request, does the driver look at
// the clock.
//
//   recv: EAGAIN, nothing owed     MayStaySilent() ─┐
//   before recv, within a request  MayReadOn()      ├▶ true: wait again      false: close the connection
//   send: EAGAIN                   MayTakeLonger() ─┘
//
// So a request that comes and is answered without a wait costs no look at the clock, unless one before it has come in
// parts. One object for each connection, used by its thread alone; no call blocks.
#ifndef POLYSERVE_BACKENDS_BLOCKING_BLOCKING_WATCH_H_
#define POLYSERVE_BACKENDS_BLOCKING_BLOCKING_WATCH_H_

#include <cstdint>

#include "absl/time/time.h"
#include "net/progress_watch.h"

namespace polyserve {

class BlockingWatch {
 public:
  // The connection and the least rate must outlive it. Its reads must time out after `idle_timeout`, and its sends
  // after ProgressLimits::send_wait(); accepted connections inherit both from their listener (net/socket.h). Either may
  // be infinite.
  BlockingWatch(int fd, absl::Duration idle_timeout, const LeastRate& least_rate)
      : fd_(fd), idle_timeout_(idle_timeout), least_rate_(least_rate) {}

  // How long a wait for input, and one for room, may last before one of the functions below is due again. For waits in
  // poll(2), which the kernel's time-outs do not end.
  absl::Duration input_wait() const { return waits_are_short_ ? limits().tick() : idle_timeout_; }
  absl::Duration room_wait() const { return limits().tick(); }

  // Bytes have come. Costs nothing: they count when the peer is judged next.
  void NoteInput() { has_heard_ = true; }
  // All was sent: the silence begins anew, also if nothing has come before, and the session has spoken because of mail
  // or its timer. Costs a look at the clock, but only once waits are short; a longer one is measured by itself.
  void NoteSent();
  // The peer does not owe this any more, for example because everything was sent. If it comes to owe it again, that is
  // a new debt, with all of --min_rate_window before it.
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
  // Made for each look at the clock: few connections need one, and all would pay for the divisions.
  ProgressLimits limits() const { return ProgressLimits(idle_timeout_, least_rate_); }
  bool Judge(Debt debt);
  void ShortenWaits();

  const int fd_;
  const absl::Duration idle_timeout_;
  const LeastRate& least_rate_;
  ProgressWatch watch_;
  Debt owed_ = Debt::kNothing;
  uint32_t judged_ = 0;     // The tick at which it was judged last.
  bool has_heard_ = false;  // Since it was judged last.
  // Reads time out after a tick, instead of the idle time-out. Once set, it stays: the change costs a system call, and
  // few connections need it.
  bool waits_are_short_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_BLOCKING_BLOCKING_WATCH_H_
