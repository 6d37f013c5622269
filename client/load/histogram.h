// Histogram: how often which value came, for percentiles over millions of values in a fixed few kilobytes.
//
// Buckets are log-linear, as in HdrHistogram (Gil Tene): each power of two is divided into kSteps equal parts. So a
// value is known to within one part in kSteps of itself (0.8 %), small ones exactly, and no value is out of range.
// Adding two histograms gives the one of all values together.
#ifndef POLYSERVE_CLIENT_LOAD_HISTOGRAM_H_
#define POLYSERVE_CLIENT_LOAD_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace polyserve {

class Histogram {
 public:
  static constexpr uint64_t kSteps = 128;

  Histogram();

  void Add(uint64_t value);
  void Add(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }  // Exact. 0 if nothing was added.
  double mean() const;                   // Of the exact values.

  // The smallest value that at least this share of all values (0 to 1) does not exceed, or up to 1 / kSteps more; never
  // more than max(). 0 if nothing was added.
  uint64_t Quantile(double share) const;

  // (largest value, how many) of each bucket that has any, by rising values: what histograms of several runs are added
  // up from. The last value is max().
  std::vector<std::pair<uint64_t, uint64_t>> Buckets() const;

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_HISTOGRAM_H_
