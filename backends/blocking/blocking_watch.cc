#include "backends/blocking/blocking_watch.h"

#include <chrono>
#include <utility>

#include "net/socket.h"
#include "net/tcp_bytes.h"

namespace polyserve {

bool BlockingWatch::MayReadOn() {
  ShortenWaits();
  return Judge(Debt::kRestOfRequest);
}

bool BlockingWatch::MayStaySilent() {
  const uint32_t now = Now();
  if (!waits_are_short_) watch_.NoteSilence(limits_, now);
  if (std::exchange(has_heard_, false) && waits_are_short_) watch_.NoteMove(now - 1);
  if (JudgeProgress(fd_, limits_, Debt::kNothing, now, watch_) != Progress::kAlive) return false;
  ShortenWaits();  // The kernel still holds some of the last reply, and the peer takes it.
  return true;
}

bool BlockingWatch::MayTakeLonger() {
  if (Judge(Debt::kAcknowledgement)) return true;
  ResetOnClose(fd_);
  return false;
}

uint32_t BlockingWatch::Now() const { return limits_.TicksAt(std::chrono::steady_clock::now()); }

// Judges once a tick, and at once if the debt is new.
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
  waits_are_short_ = SetReceiveTimeout(fd_, limits_.tick()).ok();
}

}  // namespace polyserve
