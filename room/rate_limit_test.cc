// RateLimit: a burst of a second's worth, then the rate, whatever the time between two questions.
#include "room/rate_limit.h"

#include <chrono>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

using std::chrono::milliseconds;

const RateLimit::Clock::time_point kStart{};

// How many are allowed at this time.
int TakeAll(RateLimit& limit, RateLimit::Clock::time_point now) {
  int taken = 0;
  for (; taken < 100000 && limit.allows_one(now); ++taken) limit.Use();
  return taken;
}

TEST(RateLimitTest, SecondsWorthComesAtOnceAndThenTheRate) {
  RateLimit limit(100, kStart);
  EXPECT_EQ(TakeAll(limit, kStart), 100);
  EXPECT_EQ(TakeAll(limit, kStart + milliseconds(9)), 0);
  EXPECT_EQ(TakeAll(limit, kStart + milliseconds(20)), 2);
  EXPECT_EQ(TakeAll(limit, kStart + milliseconds(1020)), 100);
}

TEST(RateLimitTest, SilenceSavesUpNoMoreThanASecond) {
  RateLimit limit(100, kStart);
  TakeAll(limit, kStart);
  EXPECT_EQ(TakeAll(limit, kStart + std::chrono::hours(24)), 100);
}

TEST(RateLimitTest, PartsOfATokenAreNotLost) {
  RateLimit limit(100, kStart);
  TakeAll(limit, kStart);
  int taken = 0;
  for (int i = 1; i <= 1000; ++i) taken += TakeAll(limit, kStart + milliseconds(i));
  EXPECT_NEAR(taken, 100, 1);
}

TEST(RateLimitTest, ZeroIsNoLimit) {
  RateLimit limit(0, kStart);
  EXPECT_EQ(TakeAll(limit, kStart), 100000);
}

}  // namespace
}  // namespace polyserve
