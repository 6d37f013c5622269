#include "access/failure_limit.h"

#include <algorithm>

#include "access/address_key.h"

namespace polyserve {

FailureLimit::FailureLimit(Table& table, const HashKey& key, int per_minute)
    : key_(&key),
      is_limited_(per_minute > 0),
      interval_(absl::Minutes(1) / std::max(1, per_minute)),
      buckets_(table, std::max(1, per_minute), interval_) {}

FailureLimit::Answer FailureLimit::Take(absl::string_view address, absl::Duration now) const {
  if (!is_limited_) return Answer::kGo;
  const uint64_t address_key = AddressKey(*key_, address);
  if (buckets_.Take(address_key, now)) return Answer::kGo;
  return now - buckets_.LastTaken(address_key) < kUnderWay ? Answer::kSoon : Answer::kTooMany;
}

int FailureLimit::retry_seconds() const {
  return static_cast<int>(absl::ToInt64Seconds(absl::Ceil(interval_, absl::Seconds(1))));
}

void FailureLimit::GiveBack(absl::string_view address) const {
  if (is_limited_) buckets_.GiveBack(AddressKey(*key_, address));
}

}  // namespace polyserve
