#include "net/request_times.h"

#include <limits>
#include <numeric>

namespace polyserve {

namespace {

constexpr int64_t kFirstBoundNs = 1000;

size_t BucketOf(int64_t nanoseconds) {
  size_t bucket = 0;
  while (bucket < RequestTimes::kBuckets - 1 && nanoseconds > kFirstBoundNs << bucket) ++bucket;
  return bucket;
}

void AddTo(RequestTimes::Table::Histogram& histogram, std::chrono::nanoseconds time) {
  histogram.nanoseconds.fetch_add(time.count(), std::memory_order_relaxed);
  histogram.buckets[BucketOf(time.count())].fetch_add(1, std::memory_order_relaxed);
}

RequestTimes::Figures Read(const RequestTimes::Table::Histogram& histogram) {
  RequestTimes::Figures figures;
  figures.seconds = 1e-9 * static_cast<double>(histogram.nanoseconds);
  for (size_t i = 0; i < RequestTimes::kBuckets; ++i) figures.buckets[i] = histogram.buckets[i];
  // Not a counter of its own: so it agrees with the buckets even if requests are added meanwhile.
  figures.count = std::accumulate(figures.buckets.begin(), figures.buckets.end(), int64_t{0});
  return figures;
}

size_t RowOf(int service) { return service >= 0 && service < kMaxServices ? 1 + static_cast<size_t>(service) : 0; }

}  // namespace

absl::string_view NameOf(RequestPart part) {
  constexpr absl::string_view kNames[] = {"socket", "wakeup", "queue", "run", "send", "off_cpu", "wait", "peer"};
  static_assert(sizeof(kNames) / sizeof(*kNames) == kRequestParts);
  return kNames[static_cast<size_t>(part)];
}

double RequestTimes::BoundOf(size_t bucket) {
  if (bucket == kBuckets - 1) return std::numeric_limits<double>::infinity();
  return 1e-9 * static_cast<double>(kFirstBoundNs << bucket);
}

uint32_t RequestTimes::NextSeed() const { return table_->seeds.fetch_add(1, std::memory_order_relaxed); }

// All parts are added, those without any time as well, so that each has as many requests as the whole, and the means of
// the parts add up to that of the whole.
void RequestTimes::Add(int service, const Parts& parts) const {
  if (every_ == 0) return;
  Table::OfService& row = table_->services[RowOf(service)];
  std::chrono::nanoseconds whole(0);
  for (size_t i = 0; i < kRequestParts; ++i) {
    AddTo(row.parts[i], parts[i]);
    whole += parts[i];
  }
  AddTo(row.whole, whole);
}

RequestTimes::FiguresOfService RequestTimes::FiguresOf(int service) const {
  FiguresOfService figures;
  if (every_ == 0) return figures;
  const Table::OfService& row = table_->services[RowOf(service)];
  for (size_t i = 0; i < kRequestParts; ++i) figures.parts[i] = Read(row.parts[i]);
  figures.whole = Read(row.whole);
  return figures;
}

}  // namespace polyserve
