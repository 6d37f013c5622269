// ProgressWatch by a scripted clock: peers that are well, slow or silent, as the kernel's counts show them.
#include "net/progress_watch.h"

#include <chrono>
#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/tcp_bytes.h"

namespace polyserve {
namespace {

// 100 bytes per second over 40 s, and a tick every 10 s: each tick costs 1000 bytes.
const ProgressLimits kLimits(absl::Seconds(100), {.bytes_per_second = 100, .window = absl::Seconds(40)});
constexpr int64_t kTickBytes = 1000;
constexpr Debt kNothing = Debt::kNothing;
constexpr Debt kReply = Debt::kAcknowledgement;
constexpr Debt kRequest = Debt::kRestOfRequest;

class ProgressWatchTest : public testing::Test {
 protected:
  // A tick passes. The peer's system has acknowledged this many more bytes of a reply.
  Progress Tick(Debt debt, int64_t acknowledged = 0) {
    ++now_;
    bytes_.acknowledged += acknowledged;
    return watch_.Judge(kLimits, debt, bytes_, now_);
  }

  // Ticks without progress until the verdict is another; returns their number.
  int TicksUntilOver(Debt debt) {
    int ticks = 1;
    while (Tick(debt) == Progress::kAlive && ticks < 1000) ++ticks;
    return ticks;
  }

  uint32_t now_ = 1000;
  TcpBytes bytes_;
  ProgressWatch watch_{now_};
};

TEST_F(ProgressWatchTest, TicksComeOftenEnoughForTheShorterLimitAndFitTheIdleTimeout) {
  EXPECT_EQ(kLimits.tick(), absl::Seconds(100) / 12);
  EXPECT_EQ(kLimits.ticks_per_idle_tick(), 3u);
  EXPECT_EQ(kLimits.idle_ticks(), 12u);
  const ProgressLimits idle_only(absl::Seconds(100), {});
  EXPECT_EQ(idle_only.tick(), absl::Seconds(25));
  EXPECT_EQ(idle_only.ticks_per_idle_tick(), 1u);
  EXPECT_FALSE(idle_only.has_least_rate());
  const ProgressLimits short_idle(absl::Seconds(2), {.bytes_per_second = 100, .window = absl::Seconds(40)});
  EXPECT_EQ(short_idle.tick(), absl::Milliseconds(500));
  EXPECT_EQ(short_idle.window_ticks(), 80);
  EXPECT_EQ(short_idle.bytes_per_tick(), 50);
  const ProgressLimits rate_only(absl::InfiniteDuration(), {.bytes_per_second = 100, .window = absl::Seconds(40)});
  EXPECT_EQ(rate_only.tick(), absl::Seconds(10));
  EXPECT_EQ(rate_only.ticks_per_idle_tick(), 0u);
  EXPECT_EQ(ProgressLimits(absl::InfiniteDuration(), {}).tick(), absl::InfiniteDuration());
}

TEST_F(ProgressWatchTest, BlockingSendsComeBackOftenEnoughForThoseBelowTheLeastRate) {
  EXPECT_EQ(kLimits.send_wait(), absl::Milliseconds(2560));
  EXPECT_EQ(ProgressLimits(absl::Seconds(1), {.bytes_per_second = 100, .window = absl::Seconds(40)}).send_wait(),
            absl::Milliseconds(250));
  EXPECT_EQ(ProgressLimits(absl::Seconds(100), {}).send_wait(), absl::Seconds(25));
}

TEST_F(ProgressWatchTest, TicksOfARealClockPassAsOften) {
  const std::chrono::steady_clock::time_point time(std::chrono::hours(5));
  EXPECT_EQ(kLimits.TicksAt(time + std::chrono::seconds(100)) - kLimits.TicksAt(time), 12u);
}

TEST_F(ProgressWatchTest, IdlePeerCostsNothingUntilItIsOver) {
  for (uint32_t tick = 0; tick < kLimits.idle_ticks(); ++tick) {
    EXPECT_FALSE(watch_.NeedsBytes(kLimits, kNothing, now_ + 1));
    EXPECT_EQ(Tick(kNothing), Progress::kAlive);
  }
  EXPECT_TRUE(watch_.NeedsBytes(kLimits, kNothing, now_ + 1));
  EXPECT_EQ(Tick(kNothing), Progress::kIdle);
}

TEST_F(ProgressWatchTest, WhatMovesPutsTheIdleTimeoutOff) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Tick(kNothing), Progress::kAlive);
  watch_.NoteMove(now_);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(Tick(kNothing), Progress::kAlive);
  EXPECT_EQ(Tick(kNothing), Progress::kIdle);
}

TEST_F(ProgressWatchTest, SilenceThatTheCallerKnowsOfEndsItAtOnce) {
  watch_.NoteSilence(kLimits, now_);
  EXPECT_EQ(watch_.Judge(kLimits, kNothing, bytes_, now_), Progress::kIdle);
}

// A driver that judges only when it has to wait may have judged last while the peer still owed something.
TEST_F(ProgressWatchTest, SilenceThatTheCallerKnowsOfOutweighsAnOldDebt) {
  bytes_.has_unacknowledged = true;
  EXPECT_EQ(Tick(kReply), Progress::kAlive);
  bytes_.has_unacknowledged = false;
  now_ += kLimits.idle_ticks() + 1;
  watch_.NoteSilence(kLimits, now_);
  EXPECT_EQ(watch_.Judge(kLimits, kNothing, bytes_, now_), Progress::kIdle);
}

TEST_F(ProgressWatchTest, ReaderAboveTheLeastRateStaysForEver) {
  bytes_.has_unacknowledged = true;
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(Tick(kReply, kTickBytes), Progress::kAlive);
}

TEST_F(ProgressWatchTest, AcknowledgementsMayComeInLumps) {
  bytes_.has_unacknowledged = true;
  for (int i = 0; i < 100; ++i) {
    for (int quiet = 0; quiet < 3; ++quiet) ASSERT_EQ(Tick(kReply), Progress::kAlive);
    ASSERT_EQ(Tick(kReply, 4 * kTickBytes), Progress::kAlive);
  }
}

TEST_F(ProgressWatchTest, ReaderBelowTheLeastRateIsTooSlow) {
  bytes_.has_unacknowledged = true;
  Progress progress = Progress::kAlive;
  int ticks = 0;
  while (progress == Progress::kAlive && ++ticks < 1000) progress = Tick(kReply, kTickBytes / 10);
  EXPECT_EQ(progress, Progress::kTooSlow);
  EXPECT_GT(ticks, 4);
  EXPECT_LT(ticks, 9) << "a window, and what it has earned";
}

TEST_F(ProgressWatchTest, StallOfAQuickReaderIsForgivenUpToTheWindowHoweverMuchItTookBefore) {
  bytes_.has_unacknowledged = true;
  EXPECT_EQ(Tick(kReply, 1'000'000'000), Progress::kAlive);
  EXPECT_EQ(TicksUntilOver(kReply), 5) << "4.8 ticks are a window";
}

TEST_F(ProgressWatchTest, StuckReaderIsIdleWhereTheIdleTimeoutIsTheShorter) {
  const ProgressLimits limits(absl::Seconds(4), {.bytes_per_second = 100, .window = absl::Seconds(40)});
  bytes_.has_unacknowledged = true;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(watch_.Judge(limits, kReply, bytes_, ++now_), Progress::kAlive);
  EXPECT_EQ(watch_.Judge(limits, kReply, bytes_, ++now_), Progress::kIdle);
}

TEST_F(ProgressWatchTest, PeerThatHasAcknowledgedAllOwesNothing) {
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Tick(kReply), Progress::kAlive);
}

TEST_F(ProgressWatchTest, WhatTheKernelStillHoldsIsWatchedOn) {
  bytes_.has_unacknowledged = true;
  EXPECT_EQ(Tick(kReply, kTickBytes), Progress::kAlive);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Tick(kNothing, kTickBytes), Progress::kAlive);
  EXPECT_EQ(TicksUntilOver(kNothing), 5) << "by the least rate";
}

TEST_F(ProgressWatchTest, IdleTimeoutBeginsWhenThePeerHasTheWholeReply) {
  bytes_.has_unacknowledged = true;
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Tick(kReply, kTickBytes), Progress::kAlive);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(Tick(kNothing, kTickBytes), Progress::kAlive);
  bytes_.has_unacknowledged = false;
  EXPECT_EQ(TicksUntilOver(kNothing), 1 + 12 + 1);
}

TEST_F(ProgressWatchTest, ReplyThatTheKernelTookAtOnceIsNotCutOffWhileItIsTaken) {
  bytes_.has_unacknowledged = true;  // The driver had never anything unsent.
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Tick(kNothing, kTickBytes), Progress::kAlive);
  EXPECT_NE(TicksUntilOver(kNothing), 1000);
}

TEST_F(ProgressWatchTest, RestOfARequestHasToComeAtTheLeastRate) {
  for (int i = 0; i < 100; ++i) {
    bytes_.received += kTickBytes;
    ASSERT_EQ(Tick(kRequest), Progress::kAlive);
  }
  EXPECT_EQ(TicksUntilOver(kRequest), 5);
}

TEST_F(ProgressWatchTest, EachDebtBeginsWithAWholeWindow) {
  bytes_.has_unacknowledged = true;
  for (int i = 0; i < 100; ++i) {
    const Debt debt = i % 2 == 0 ? kRequest : kReply;
    for (int tick = 0; tick < 4; ++tick) ASSERT_EQ(Tick(debt), Progress::kAlive);
    watch_.NoteMove(now_);
  }
}

TEST_F(ProgressWatchTest, OurOwnWorkIsNotThePeersSilence) {
  bytes_.has_unacknowledged = true;
  EXPECT_EQ(Tick(kReply), Progress::kAlive);
  now_ += 100;
  watch_.Rest(now_);
  EXPECT_EQ(Tick(kReply), Progress::kAlive);
}

TEST_F(ProgressWatchTest, ClockMayWrapAround) {
  now_ = UINT32_MAX - 3;
  watch_ = ProgressWatch(now_);
  bytes_.has_unacknowledged = true;
  for (int i = 0; i < 10; ++i) ASSERT_EQ(Tick(kReply, kTickBytes), Progress::kAlive);
  for (int i = 0; i < 4; ++i) ASSERT_EQ(Tick(kReply), Progress::kAlive);
}

TEST_F(ProgressWatchTest, WithoutALeastRateOnlySilenceCounts) {
  const ProgressLimits limits(absl::Seconds(100), {});
  bytes_.has_unacknowledged = true;
  for (int i = 0; i < 1000; ++i) {
    bytes_.acknowledged += i % 4 == 0 ? 1 : 0;
    ASSERT_EQ(watch_.Judge(limits, kReply, bytes_, ++now_), Progress::kAlive);
  }
}

TEST_F(ProgressWatchTest, WithoutLimitsEverybodyMayStay) {
  const ProgressLimits none;
  bytes_.has_unacknowledged = true;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(watch_.Judge(none, kReply, bytes_, ++now_), Progress::kAlive);
    ASSERT_EQ(watch_.Judge(none, kNothing, bytes_, ++now_), Progress::kAlive);
  }
}

}  // namespace
}  // namespace polyserve
