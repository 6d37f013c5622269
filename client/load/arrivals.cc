#include "client/load/arrivals.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

absl::StatusOr<Arrivals::Kind> Arrivals::ParseKind(absl::string_view name) {
  if (name == "fixed") return Kind::kFixed;
  if (name == "poisson") return Kind::kPoisson;
  if (name == "burst") return Kind::kBurst;
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is not one of fixed, poisson, burst"));
}

// Times are sums and products of doubles, rounded only when they are returned. A double holds nanoseconds exactly up to
// 2^53, which is 104 days: far beyond the longest run.
Arrivals::Arrivals(Kind kind, double rate, uint64_t seed, double phase)
    : kind_(kind), interval_(1e9 / rate), phase_(phase), random_(seed) {}

int64_t Arrivals::Next() {
  const int64_t index = count_++;
  switch (kind_) {
    case Kind::kFixed:  // Multiplied, so that no error adds up.
      at_ = interval_ * (static_cast<double>(index) + phase_);
      break;
    // Added up, since each time depends on the one before. The rounding errors add up as well, and are negligible
    // beside the chance in each interval. Independent intervals make bursts and gaps of every length, and so the queues
    // that real users cause; at equal intervals no two requests would ever meet.
    case Kind::kPoisson:  // Memoryless: the next interval does not depend on how long the last one was.
      at_ += std::exponential_distribution<double>(1 / interval_)(random_);
      break;
    // The phase counts in intervals of groups: the bursts of several threads alternate, they do not fall into each
    // other.
    case Kind::kBurst:  // All of a group have the time of its first request; a group's interval is kBurstSize times as
                        // long.
      at_ = interval_ * (static_cast<double>(index - index % kBurstSize) + phase_ * kBurstSize);
      break;
  }
  return static_cast<int64_t>(at_);
}

}  // namespace polyserve
