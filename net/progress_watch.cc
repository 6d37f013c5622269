#include "net/progress_watch.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/bound_counters.h"
#include "net/coarse_clock.h"
#include "net/tcp_bytes.h"

namespace polyserve {

namespace {

// Fewer bytes are hardly acknowledged at once: receivers announce no new room until it is half of their buffer, or a
// segment (RFC 9293, section 3.8.6.2.2), and neither is smaller in practice.
constexpr int kSmallestLump = 256;
// A shorter wait would only wake the thread more often: the kernel counts time-outs in jiffies, of 1 to 10 ms.
constexpr absl::Duration kShortestSendWait = absl::Milliseconds(10);

}  // namespace

// If both limits hold, the tick is a whole fraction of the idle tick, so that one counter of ticks serves both; it is
// rounded down, and each limit is thus judged at least kTicksPerTimeout times in its time. At most 1e9 of them make an
// idle tick, which keeps idle_ticks_ within its 32 bits.
ProgressLimits::ProgressLimits(absl::Duration idle_timeout, LeastRate least_rate) : counters_(least_rate.counters) {
  const bool has_idle = idle_timeout < absl::InfiniteDuration();
  const bool has_rate = least_rate.bytes_per_second > 0 && least_rate.window < absl::InfiniteDuration();
  if (!has_idle && !has_rate) return;
  const absl::Duration idle_tick = idle_timeout / kTicksPerTimeout;
  const absl::Duration rate_tick = least_rate.window / kTicksPerTimeout;
  if (has_idle) {
    const double parts = has_rate ? absl::FDivDuration(idle_tick, rate_tick) : 1;
    ticks_per_idle_tick_ = static_cast<uint32_t>(std::clamp(std::ceil(parts), 1.0, 1e9));
    idle_ticks_ = kTicksPerTimeout * ticks_per_idle_tick_;
    tick_ = idle_tick / ticks_per_idle_tick_;
  } else {
    tick_ = rate_tick;
  }
  // An absurdly short limit must not make a tick of zero, by which TicksAt() divides.
  tick_ = std::max(tick_, absl::Microseconds(1));
  send_wait_ = tick_;
  if (!has_rate) return;
  const absl::Duration lump_time = absl::Seconds(kSmallestLump) / static_cast<double>(least_rate.bytes_per_second);
  send_wait_ = std::min(tick_, std::max(lump_time, kShortestSendWait));
  window_ticks_ = static_cast<float>(absl::FDivDuration(least_rate.window, tick_));
  bytes_per_tick_ = static_cast<float>(static_cast<double>(least_rate.bytes_per_second) * absl::ToDoubleSeconds(tick_));
}

// It wraps around, as do all differences of ticks here: they are right as long as less than 2^32 ticks lie between.
uint32_t ProgressLimits::TicksAt(std::chrono::steady_clock::time_point time) const {
  return static_cast<uint32_t>(time.time_since_epoch() / absl::ToChronoNanoseconds(tick_));
}

void ProgressWatch::Rest(uint32_t now) {
  debt_ = Debt::kNothing;
  NoteMove(now);
}

// While the kernel still holds a part of the last reply, the peer owes that, even if the driver has nothing unsent.
bool ProgressWatch::NeedsBytes(const ProgressLimits& limits, Debt debt, uint32_t now) const {
  return debt != Debt::kNothing || debt_ == Debt::kAcknowledgement || is_silent(limits, now);
}

// A driver that has handed a reply to the kernel reports no debt, although megabytes of it may wait in the send buffer.
// So the first tick after silence asks the kernel; if bytes are unacknowledged, the peer is judged by those from then
// on, until they are gone.
Progress ProgressWatch::Judge(const ProgressLimits& limits, Debt debt, const TcpBytes& bytes, uint32_t now) {
  if (!NeedsBytes(limits, debt, now)) {
    debt_ = Debt::kNothing;
    return Progress::kAlive;
  }
  if (debt == Debt::kRestOfRequest) return JudgeDebt(limits, debt, bytes.received, now);
  const bool is_new = debt_ != Debt::kAcknowledgement;
  if (!bytes.has_unacknowledged) {
    if (debt == Debt::kNothing && is_new) return Progress::kIdle;
    Rest(now);
    return Progress::kAlive;
  }
  // Silent as far as the driver knew, which had nothing unsent: from here on the kernel's counts are watched.
  if (debt == Debt::kNothing && is_new) NoteMove(now);
  return JudgeDebt(limits, Debt::kAcknowledgement, bytes.acknowledged, now);
}

// A new debt starts with a full bucket. It never holds more than the window: a peer that was fast for an hour must not
// be allowed to stall for another one.
Progress ProgressWatch::JudgeDebt(const ProgressLimits& limits, Debt debt, int64_t bytes, uint32_t now) {
  if (debt != debt_) {
    debt_ = debt;
    judged_ = now;
    bytes_ = bytes;
    ticks_left_ = limits.window_ticks();
  }
  const int64_t moved = bytes - bytes_;
  if (moved != 0) NoteMove(now);
  if (limits.has_least_rate()) {
    const float earned = static_cast<float>(moved) / limits.bytes_per_tick();
    ticks_left_ = std::min(ticks_left_ - static_cast<float>(now - judged_) + earned, limits.window_ticks());
  }
  judged_ = now;
  bytes_ = bytes;
  if (is_silent(limits, now)) return Progress::kIdle;
  return ticks_left_ < 0 ? Progress::kTooSlow : Progress::kAlive;
}

Progress JudgeProgress(int fd, const ProgressLimits& limits, Debt debt, uint32_t now, ProgressWatch& watch) {
  if (!watch.NeedsBytes(limits, debt, now)) return watch.Judge(limits, debt, {}, now);
  const std::optional<TcpBytes> bytes = ReadTcpBytes(fd);
  // If the kernel does not count, only silence is judged, by what the driver has seen.
  const Progress progress =
      bytes.has_value() ? watch.Judge(limits, debt, *bytes, now) : watch.Judge(limits, Debt::kNothing, {}, now);
  if (progress == Progress::kIdle) CountBound(limits.counters(), &BoundCounters::idle_timeout);
  if (progress == Progress::kTooSlow) CountBound(limits.counters(), &BoundCounters::min_rate);
  return progress;
}

}  // namespace polyserve
