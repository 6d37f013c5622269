// Arrivals: the rate that was asked for, in the shape that was asked for.
#include "client/load/arrivals.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <sstream>
#include <vector>

#include "absl/time/time.h"
#include "client/load/rate_profile.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr double kRate = 1e6;  // One each 1000 ns.

std::vector<int64_t> Times(Arrivals::Kind kind, int count, uint64_t seed = 1) {
  Arrivals arrivals(kind, kRate, seed);
  std::vector<int64_t> times;
  for (int i = 0; i < count; ++i) times.push_back(arrivals.Next());
  return times;
}

TEST(ArrivalsTest, FixedOnesComeAtEqualDistances) {
  EXPECT_EQ(Times(Arrivals::Kind::kFixed, 4), (std::vector<int64_t>{0, 1000, 2000, 3000}));
}

TEST(ArrivalsTest, BurstsComeTogether) {
  const std::vector<int64_t> times = Times(Arrivals::Kind::kBurst, 2 * Arrivals::kBurstSize + 1);
  EXPECT_EQ(times[0], 0);
  EXPECT_EQ(times[Arrivals::kBurstSize - 1], 0);
  EXPECT_EQ(times[Arrivals::kBurstSize], 1000 * Arrivals::kBurstSize);
  EXPECT_EQ(times.back(), 2000 * Arrivals::kBurstSize);
}

TEST(ArrivalsTest, PoissonHasItsRateAndItsSpread) {
  constexpr int kCount = 100'000;
  const std::vector<int64_t> times = Times(Arrivals::Kind::kPoisson, kCount);
  double sum = 0, squares = 0;
  for (int i = 1; i < kCount; ++i) {
    const auto distance = static_cast<double>(times[i] - times[i - 1]);
    EXPECT_GE(distance, 0);
    sum += distance;
    squares += distance * distance;
  }
  const double mean = sum / (kCount - 1);
  EXPECT_NEAR(mean, 1000, 20);                                             // Six times the standard error.
  EXPECT_NEAR(std::sqrt(squares / (kCount - 1) - mean * mean), mean, 30);  // Of this distribution they are the same.
}

TEST(ArrivalsTest, SameSeedSameTimes) {
  EXPECT_EQ(Times(Arrivals::Kind::kPoisson, 100, 7), Times(Arrivals::Kind::kPoisson, 100, 7));
  EXPECT_NE(Times(Arrivals::Kind::kPoisson, 100, 7), Times(Arrivals::Kind::kPoisson, 100, 8));
}

TEST(ArrivalsTest, KindsHaveNames) {
  EXPECT_EQ(*Arrivals::ParseKind("poisson"), Arrivals::Kind::kPoisson);
  EXPECT_FALSE(Arrivals::ParseKind("often").ok());
}

// Two of half the rate come as one of the whole rate would.
TEST(ArrivalsTest, PhasesTakeTurns) {
  Arrivals whole(Arrivals::Kind::kFixed, 1000, 1);
  Arrivals parts[] = {{Arrivals::Kind::kFixed, 500, 1, 0}, {Arrivals::Kind::kFixed, 500, 2, 0.5}};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(parts[i % 2].Next(), whole.Next()) << i;
  Arrivals late(Arrivals::Kind::kBurst, 1000, 1, 0.25);
  for (int i = 0; i < Arrivals::kBurstSize; ++i) EXPECT_EQ(late.Next(), 25'000'000);
  EXPECT_EQ(late.Next(), 125'000'000);
}

// The threads together have each request of the profile once, at its time, and all of its burst.
TEST(ArrivalsTest, SharesOfAProfileAddUpToIt) {
  std::istringstream file("1s 100:700\nburst 30\n1s 200\n");
  const RateProfile profile = RateProfile::Parse(file)->WithWarmUp(absl::Milliseconds(500));
  std::vector<int64_t> parts;
  for (const int part : {0, 1, 2}) {
    Arrivals arrivals(Arrivals::Kind::kFixed, profile, 1.0 / 3, 1, part / 3.0);
    for (int64_t time; (time = arrivals.Next()) != RateProfile::kNever;) parts.push_back(time);
    EXPECT_EQ(arrivals.Next(), RateProfile::kNever);
  }
  std::sort(parts.begin(), parts.end());
  ASSERT_EQ(parts.size(), 50u + 400 + 30 + 200);
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(parts[i]), static_cast<double>(profile.TimeOf(static_cast<double>(i))), 1) << i;
  }
}

// A Poisson process whose rate changes: in each part of the ramp as many as its integral says, and as much spread.
TEST(ArrivalsTest, PoissonFollowsTheProfile) {
  constexpr int kParts = 10, kDraws = 200;
  const RateProfile profile = RateProfile::Ramp(0, 200, absl::Seconds(1));
  double sums[kParts] = {}, squares[kParts] = {};
  for (uint64_t seed = 0; seed < kDraws; ++seed) {
    Arrivals arrivals(Arrivals::Kind::kPoisson, profile, 1, seed);
    double counts[kParts] = {};
    for (int64_t time; (time = arrivals.Next()) != RateProfile::kNever;) ++counts[time * kParts / 1'000'000'001];
    for (int i = 0; i < kParts; ++i) {
      sums[i] += counts[i];
      squares[i] += counts[i] * counts[i];
    }
  }
  for (int i = 0; i < kParts; ++i) {
    const double mean = sums[i] / kDraws, wanted = 2 * i + 1;
    EXPECT_NEAR(mean, wanted, 5 * std::sqrt(wanted / kDraws)) << i;
    EXPECT_NEAR((squares[i] / kDraws - mean * mean) / mean, 1, 0.6) << i;  // Of a Poisson process they are the same.
  }
}

TEST(ArrivalsTest, TimesNeverGoBack) {
  std::istringstream file("1s 100:900\n1s 900:100\n");
  const RateProfile profile = *RateProfile::Parse(file);
  for (const Arrivals::Kind kind : {Arrivals::Kind::kFixed, Arrivals::Kind::kPoisson, Arrivals::Kind::kBurst}) {
    Arrivals arrivals(kind, profile, 0.7, 1, 0.3);
    int64_t last = 0;
    for (int i = 0; i < 2000; ++i) {
      const int64_t time = arrivals.Next();
      EXPECT_GE(time, last) << i;
      last = time;
    }
    EXPECT_EQ(last, RateProfile::kNever);
  }
}

}  // namespace
}  // namespace polyserve
