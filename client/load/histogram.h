// Histogram: counts of values, for percentiles over millions of values in bounded memory (58 KiB, allocated at once).
//
// A run has millions of replies. To keep each time would take memory that grows during the measurement, and to keep a
// sample would lose the rare long times, which are the ones that matter.
//
// The buckets are log-linear, as in HdrHistogram (Gil Tene): each power of two is divided into kSteps equal parts. So a
// value is known to one part in kSteps of itself (0.8 %), small values exactly, and no value of 64 bits is out of
// range. Adding two histograms gives that of all values together, so that threads need not share one. (Percentiles
// themselves cannot be added or averaged.)
//
//   value    0 1 2 ... 127 128 ... 255 | 256 258 ... 510 | 512 516 ... 1020 | 1024 1032 ...
//   width    1                         | 2               | 4                | 8
//
//   Histogram times;
//   times.Add(152'300);                           // Nanoseconds, say.
//   const uint64_t p99 = times.Quantile(0.99);
#ifndef POLYSERVE_CLIENT_LOAD_HISTOGRAM_H_
#define POLYSERVE_CLIENT_LOAD_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace polyserve {

// Not thread-safe. Copying copies all buckets.
class Histogram {
 public:
  static constexpr uint64_t kSteps = 128;  // A power of two: a bucket is found by shifts.

  Histogram();

  // Counts a value, in any unit. Constant time, without allocating: it runs once for each reply.
  void Add(uint64_t value);
  // Adds all values of another histogram.
  void Add(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }  // Exact. 0 if nothing was added.
  double sum() const { return sum_; }    // Of the exact values.
  double mean() const;                   // Of the exact values. 0 if nothing was added.

  // The smallest value v such that at least this share of all values (0 to 1) is at most v (the nearest rank, without
  // interpolation); rounded up by at most 1 in kSteps, and never above max(). 0 if nothing was added. Visits all
  // buckets.
  uint64_t Quantile(double share) const;

  // (largest value, count) of each bucket that is not empty, by rising values. The last value is max(). From these the
  // tools add up the histograms of several runs.
  std::vector<std::pair<uint64_t, uint64_t>> Buckets() const;
  // The inverse: the histogram with these buckets, and this sum of its exact values. Nothing if there can be none: the
  // buckets do not rise, one is empty, the counts are too large, or the sum is none of such values. For buckets that
  // come from another program, and may be anything.
  static std::optional<Histogram> FromBuckets(const std::vector<std::pair<uint64_t, uint64_t>>& buckets, double sum);

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;  // Of the values themselves, not of their buckets.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HISTOGRAM_H_
