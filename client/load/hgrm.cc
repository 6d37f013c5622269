#include "client/load/hgrm.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace polyserve {

namespace {

constexpr double kMillisecond = 1e6;
// Steps in each half of the way that is left to 100 %: HdrHistogram's default.
constexpr int kTicksPerHalf = 5;
// HdrHistogram's names for the shape of a Histogram, which is that of one with two significant digits: its first bucket
// has twice kSteps parts, and of each further one the lower half lies in the bucket before it.
constexpr int kSubBuckets = 2 * Histogram::kSteps;
constexpr int kBuckets = 57;  // Up to 64 bits.
constexpr int kStepsWidth = std::bit_width(Histogram::kSteps);

// The percentile behind this one. The step halves whenever the way that is left to 100 has halved.
double NextLevel(double level) {
  const int halves = static_cast<int>(std::log2(100 / (100 - level))) + 1;
  return level + 100 / (kTicksPerHalf * std::exp2(halves));
}

// A bucket stands for the middle of its values.
double StandardDeviation(const Histogram& times) {
  double squares = 0;
  for (const auto& [largest, count] : times.Buckets()) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(largest)) - kStepsWidth);
    const uint64_t smallest = largest >> shift << shift;
    const double distance = (static_cast<double>(smallest) + static_cast<double>(largest)) / 2 - times.mean();
    squares += static_cast<double>(count) * distance * distance;
  }
  return times.count() == 0 ? 0 : std::sqrt(squares / static_cast<double>(times.count()));
}

}  // namespace

std::string AsHgrm(const Histogram& times) {
  std::string text =
      absl::StrFormat("%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  const auto total = static_cast<double>(times.count());
  double level = 0;
  uint64_t seen = 0;
  for (const auto& [value, count] : times.Buckets()) {
    seen += count;
    // Of the last bucket there is one line here, and the line of 100 %: what lies between are percentiles of no
    // request.
    bool is_over = false;
    while (!is_over && 100 * static_cast<double>(seen) / total >= level) {
      absl::StrAppendFormat(&text, "%12.5f %2.12f %10d %14.2f\n", static_cast<double>(value) / kMillisecond,
                            level / 100, seen, 1 / (1 - level / 100));
      level = NextLevel(level);
      is_over = seen == times.count();
    }
  }
  const double max = static_cast<double>(times.max()) / kMillisecond;
  if (seen > 0) absl::StrAppendFormat(&text, "%12.5f %2.12f %10d\n", max, 1.0, seen);
  absl::StrAppendFormat(&text, "#[Mean    = %12.5f, StdDeviation   = %12.5f]\n", times.mean() / kMillisecond,
                        StandardDeviation(times) / kMillisecond);
  absl::StrAppendFormat(&text, "#[Max     = %12.5f, Total count    = %12d]\n", max, times.count());
  absl::StrAppendFormat(&text, "#[Buckets = %12d, SubBuckets     = %12d]\n", kBuckets, kSubBuckets);
  return text;
}

}  // namespace polyserve
