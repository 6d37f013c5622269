#include "backends/blocking/blocking_watch.h"

#include <chrono>
#include <utility>

#include "net/socket.h"
#include "net/tcp_bytes.h"

namespace polyserve {

namespace {

uint32_t Now(const ProgressLimits& limits) { return limits.TicksAt(std::chrono::steady_clock::now()); }

}  // namespace

void BlockingWatch::NoteSent() {
  if (waits_are_short_) watch_.NoteMove(Now(limits()));
}

// Within a request the rate counts, and a wait as long as the idle time-out would notice a slow peer too late.
bool BlockingWatch::MayReadOn() {
  ShortenWaits();
  return Judge(Debt::kRestOfRequest);
}

bool BlockingWatch::MayStaySilent() {
  const ProgressLimits limits = this->limits();
  const uint32_t now = Now(limits);
  // The wait that has just ended took the whole idle time-out,
  if (!waits_are_short_) watch_.NoteSilence(limits, now);
  // or, if waits are short, one tick. What was heard since the last look came before that tick.
  if (std::exchange(has_heard_, false) && waits_are_short_) watch_.NoteMove(now - 1);
  if (JudgeProgress(fd_, limits, Debt::kNothing, now, watch_) != Progress::kAlive) return false;
  ShortenWaits();  // The kernel still holds some of the last reply, and the peer takes it.
  return true;
}

bool BlockingWatch::MayTakeLonger() {
  if (Judge(Debt::kAcknowledgement)) return true;
  // The peer learns that its reply was cut short, and the kernel frees what is unsent.
  ResetOnClose(fd_);
  return false;
}

// Judges at most once a tick, since it costs a system call; a new debt begins with a full window.
bool BlockingWatch::Judge(Debt debt) {
  const ProgressLimits limits = this->limits();
  const uint32_t now = Now(limits);
  if (debt != owed_) {
    watch_.Rest(now);
  } else if (now == judged_) {
    return true;
  }
  owed_ = debt;
  judged_ = now;
  return JudgeProgress(fd_, limits, debt, now, watch_) == Progress::kAlive;
}

void BlockingWatch::ShortenWaits() {
  if (waits_are_short_) return;
  // If this fails, the waits stay long: a slow peer is then noticed later.
  waits_are_short_ = SetReceiveTimeout(fd_, limits().tick()).ok();
}

}  // namespace polyserve
