#include "backends/blocking/blocking_watch.h"

#include <chrono>
#include <utility>

#include "net/socket.h"
#include "net/tcp_bytes.h"

namespace polyserve {

void BlockingWatch::NoteSent() {
  if (waits_are_short_) watch_.NoteMove(Now());
}

// Within a request the rate counts, and a wait as long as the idle time-out would notice a slow peer too late.
bool BlockingWatch::MayReadOn() {
  ShortenWaits();
  return Judge(Debt::kRestOfRequest);
}

bool BlockingWatch::MayStaySilent() {
  const uint32_t now = Now();
  // The wait that has just ended took the whole idle time-out,
  if (!waits_are_short_) watch_.NoteSilence(limits_, now);
  // or, if waits are short, one tick. What was heard since the last look came before that tick.
  if (std::exchange(has_heard_, false) && waits_are_short_) watch_.NoteMove(now - 1);
  if (JudgeProgress(fd_, limits_, Debt::kNothing, now, watch_) != Progress::kAlive) return false;
  ShortenWaits();  // The kernel still holds some of the last reply, and the peer takes it.
  return true;
}

bool BlockingWatch::MayTakeLonger() {
  if (Judge(Debt::kAcknowledgement)) return true;
  // The peer learns that its reply was cut short, and the kernel frees what is unsent.
  ResetOnClose(fd_);
  return false;
}

uint32_t BlockingWatch::Now() const { return limits_.TicksAt(std::chrono::steady_clock::now()); }

// Judges at most once a tick, since it costs a system call; a new debt begins with a full window.
bool BlockingWatch::Judge(Debt debt) {
  const uint32_t now = Now();
  if (debt != owed_) {
    watch_.Rest(now);
  } else if (now == judged_) {
    return true;
  }
  owed_ = debt;
  judged_ = now;
  return JudgeProgress(fd_, limits_, debt, now, watch_) == Progress::kAlive;
}

void BlockingWatch::ShortenWaits() {
  if (waits_are_short_) return;
  // If this fails, the waits stay long: a slow peer is then noticed later.
  waits_are_short_ = SetReceiveTimeout(fd_, limits_.tick()).ok();
}

}  // namespace polyserve
