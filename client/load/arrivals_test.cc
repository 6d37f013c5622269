// Arrivals: the rate that was asked for, in the shape that was asked for.
#include "client/load/arrivals.h"

#include <cmath>
#include <cstdint>
#include <vector>

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

}  // namespace
}  // namespace polyserve
