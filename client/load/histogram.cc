#include "client/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace polyserve {

namespace {

constexpr int kStepBits = std::countr_zero(Histogram::kSteps);
static_assert(Histogram::kSteps == uint64_t{1} << kStepBits);

// Of all values of a histogram that comes from another program.
constexpr uint64_t kMostCount = uint64_t{1} << 52;

// Values below kSteps have a bucket each. For a larger value, its highest bit chooses a group of kSteps buckets, and
// the kStepBits bits behind it choose the bucket. `value >> shift` keeps the highest bit, so it is between kSteps and
// twice that, and the group of `shift` begins at (shift + 1) * kSteps: there is no gap behind the first kSteps buckets.
size_t BucketOf(uint64_t value) {
  if (value < Histogram::kSteps) return value;
  const int shift = std::bit_width(value) - 1 - kStepBits;
  return (static_cast<size_t>(shift) << kStepBits) + (value >> shift);
}

// The inverse. Reporting a bucket by its largest value errs to the long side: a percentile never flatters the server.
uint64_t LargestIn(size_t bucket) {
  if (bucket < Histogram::kSteps) return bucket;
  const int shift = static_cast<int>(bucket >> kStepBits) - 1;
  const uint64_t top = Histogram::kSteps + (bucket & (Histogram::kSteps - 1));
  return (top << shift) + ((uint64_t{1} << shift) - 1);
}

}  // namespace

// All buckets at once, so that Add() never allocates in the middle of a measurement. 7424 of them, for any value of 64
// bits; so Add() needs no check of bounds either.
Histogram::Histogram() : counts_(BucketOf(UINT64_MAX) + 1) {}

void Histogram::Add(uint64_t value) {
  ++counts_[BucketOf(value)];
  ++count_;
  max_ = std::max(max_, value);
  // A double cannot overflow here, whatever the unit of the values, and what it rounds away is far below the noise of a
  // mean.
  sum_ += static_cast<double>(value);
}

void Histogram::Add(const Histogram& other) {
  // All histograms have the same buckets, so the sum is that of one histogram that had seen all values.
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double Histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

std::vector<std::pair<uint64_t, uint64_t>> Histogram::Buckets() const {
  std::vector<std::pair<uint64_t, uint64_t>> buckets;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) buckets.emplace_back(std::min(LargestIn(i), max_), counts_[i]);
  }
  return buckets;
}

std::optional<Histogram> Histogram::FromBuckets(const std::vector<std::pair<uint64_t, uint64_t>>& buckets, double sum) {
  Histogram made;
  double largest_sum = 0;
  for (const auto& [value, count] : buckets) {
    const size_t bucket = BucketOf(value);
    // The counts of many histograms can be added without an overflow.
    if (count == 0 || count > kMostCount || made.count_ + count > kMostCount) return std::nullopt;
    // Every value but the last one stands for a whole bucket, and is the largest in it.
    if (made.count_ > 0 &&
        (value <= made.max_ || bucket == BucketOf(made.max_) || LargestIn(BucketOf(made.max_)) != made.max_)) {
      return std::nullopt;
    }
    made.counts_[bucket] = count;
    made.count_ += count;
    made.max_ = value;
    largest_sum += static_cast<double>(value) * static_cast<double>(count);
  }
  // The exact values are at most those of their buckets; what rounding adds to such a sum is far less than a millionth.
  if (!(sum >= 0 && sum <= largest_sum * (1 + 1e-6))) return std::nullopt;
  made.sum_ = sum;
  return made;
}

uint64_t Histogram::Quantile(double share) const {
  // The nearest rank: of 1000 values, p99 is the 990th. No interpolation, so the result is a time that a request really
  // took, up to the width of its bucket.
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  // At least 1, so that Quantile(0) is the smallest value, and at most count_, whatever the rounding of doubles does.
  const uint64_t rank = std::clamp<uint64_t>(wanted, 1, std::max<uint64_t>(count_, 1));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(LargestIn(i), max_);  // max_ is exact, and may lie below its bucket's end.
  }
  return max_;
}

}  // namespace polyserve
