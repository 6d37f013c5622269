// How the pauses between attempts grow, and when they end.
#include "backends/pool/back_off.h"

#include <algorithm>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

constexpr absl::Time kStart = absl::UnixEpoch();

TEST(BackOffTest, NothingIsWaitedForAtFirst) { EXPECT_LT(BackOff().not_before(), kStart); }

TEST(BackOffTest, PausesDoubleUpToTheLongest) {
  BackOff back_off;
  absl::Time now = kStart;
  absl::Duration expected = BackOff::kFirst;
  for (int i = 0; i < 10; ++i) {
    back_off.OnFailure(now, now);
    EXPECT_EQ(back_off.not_before() - now, expected);
    now = back_off.not_before();
    expected = std::min(2 * expected, BackOff::kLongest);
  }
  EXPECT_EQ(expected, BackOff::kLongest);
}

TEST(BackOffTest, FailuresAtTheSameTimeCountAsOne) {
  BackOff back_off;
  for (int i = 0; i < 10; ++i) back_off.OnFailure(kStart, kStart);
  EXPECT_EQ(back_off.not_before() - kStart, BackOff::kFirst);
}

TEST(BackOffTest, WhatHasLivedLongIsReplacedAtOnceAndEndsTheSeries) {
  BackOff back_off;
  back_off.OnFailure(kStart, kStart);
  const absl::Time later = kStart + absl::Minutes(1);
  back_off.OnFailure(kStart, later);
  EXPECT_LT(back_off.not_before(), later);
  back_off.OnFailure(later, later);
  EXPECT_EQ(back_off.not_before() - later, BackOff::kFirst);
}

}  // namespace

}  // namespace polyserve
