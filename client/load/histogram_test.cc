// Histogram: its percentiles against an exact sort, for values of every size and shape.
#include "client/load/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr double kShares[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};

uint64_t ExactQuantile(const std::vector<uint64_t>& sorted, double share) {
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<size_t>(rank, 1) - 1];
}

void ExpectWithinTheBound(std::vector<uint64_t> values) {
  Histogram histogram;
  for (const uint64_t value : values) histogram.Add(value);
  std::sort(values.begin(), values.end());
  for (const double share : kShares) {
    const uint64_t exact = ExactQuantile(values, share);
    const uint64_t told = histogram.Quantile(share);
    EXPECT_GE(told, exact) << share;
    EXPECT_LE(told - exact, exact / Histogram::kSteps) << share;
  }
  EXPECT_EQ(histogram.max(), values.back());
  EXPECT_EQ(histogram.count(), values.size());
}

TEST(HistogramTest, AgreesWithAnExactSortWithinItsBound) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint64_t> values(1 + random() % 3000);
    const int shift = static_cast<int>(random() % 64);
    const bool of_all_sizes = random() % 2 == 0;
    for (uint64_t& value : values) value = random() >> (of_all_sizes ? random() % 64 : shift);
    ExpectWithinTheBound(std::move(values));
  }
}

TEST(HistogramTest, HoldsTheExtremes) {
  ExpectWithinTheBound({0});
  ExpectWithinTheBound({UINT64_MAX});
  ExpectWithinTheBound({0, UINT64_MAX});
  ExpectWithinTheBound({127, 128, 129, 255, 256, 257});
}

TEST(HistogramTest, SumOfTwoIsTheHistogramOfAll) {
  std::mt19937_64 random(2);
  Histogram first, second, all;
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t value = random() >> (random() % 64);
    (i % 3 == 0 ? first : second).Add(value);
    all.Add(value);
  }
  first.Add(second);
  for (const double share : kShares) EXPECT_EQ(first.Quantile(share), all.Quantile(share));
  EXPECT_EQ(first.count(), all.count());
  EXPECT_EQ(first.max(), all.max());
  EXPECT_NEAR(first.mean() / all.mean(), 1, 1e-9);
}

TEST(HistogramTest, BucketsAreAllThatWasAdded) {
  Histogram histogram;
  for (const uint64_t value : {7, 7, 1000, 1001, 50'000}) histogram.Add(value);
  const std::vector<std::pair<uint64_t, uint64_t>> expected = {{7, 2}, {1003, 2}, {50'000, 1}};
  EXPECT_EQ(histogram.Buckets(), expected);
  EXPECT_TRUE(Histogram().Buckets().empty());
}

TEST(HistogramTest, EmptyOneIsZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.mean(), 0);
}

TEST(HistogramTest, IsMadeAgainOfItsBucketsWithoutALoss) {
  Histogram times;
  for (uint64_t i = 0, value = 3; i < 10'000; ++i, value = value * 6364136223846793005 + 1442695040888963407) {
    times.Add(value >> (i % 64));
  }
  for (const Histogram& histogram : {Histogram(), times}) {
    const std::optional<Histogram> made = Histogram::FromBuckets(histogram.Buckets(), histogram.sum());
    ASSERT_TRUE(made.has_value());
    EXPECT_EQ(made->Buckets(), histogram.Buckets());
    EXPECT_EQ(made->count(), histogram.count());
    EXPECT_EQ(made->max(), histogram.max());
    EXPECT_EQ(made->mean(), histogram.mean());
  }
}

TEST(HistogramTest, BucketsThatContradictThemselvesMakeNone) {
  using Buckets = std::vector<std::pair<uint64_t, uint64_t>>;
  constexpr uint64_t kMany = uint64_t{1} << 52;
  ASSERT_TRUE(Histogram::FromBuckets(Buckets{{5, 1}, {257, 2}, {300, 1}}, 800).has_value());
  for (const Buckets& buckets : {Buckets{{5, 0}}, Buckets{{7, 1}, {5, 1}}, Buckets{{5, 1}, {5, 1}},
                                 // 256 and 257 are in one bucket, and 256 is not its largest value.
                                 Buckets{{256, 1}, {257, 1}}, Buckets{{256, 1}, {300, 1}}, Buckets{{5, kMany + 1}},
                                 Buckets{{5, kMany}, {6, kMany}}}) {
    EXPECT_FALSE(Histogram::FromBuckets(buckets, 5).has_value());
  }
  for (const double sum : {-1.0, 11.0, std::nan(""), HUGE_VAL}) {
    EXPECT_FALSE(Histogram::FromBuckets(Buckets{{5, 2}}, sum).has_value()) << sum;
  }
}

}  // namespace
}  // namespace polyserve
