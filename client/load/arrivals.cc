#include "client/load/arrivals.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

absl::StatusOr<Arrivals::Kind> Arrivals::ParseKind(absl::string_view name) {
  if (name == "fixed") return Kind::kFixed;
  if (name == "poisson") return Kind::kPoisson;
  if (name == "burst") return Kind::kBurst;
  return absl::InvalidArgumentError(absl::StrCat("'", name, "' is not one of fixed, poisson, burst"));
}

// Places are doubles, and times are rounded only when they are returned. A double holds nanoseconds exactly up to 2^53,
// which is 104 days: far beyond the longest run.
Arrivals::Arrivals(Kind kind, double rate, uint64_t seed, double phase)
    : Arrivals(kind, RateProfile::Constant(rate), 1, seed, phase) {}

Arrivals::Arrivals(Kind kind, RateProfile profile, double share, uint64_t seed, double phase)
    : kind_(kind), profile_(std::move(profile)), share_(share), phase_(phase), random_(seed) {}

int64_t Arrivals::Next() {
  // The rounding of doubles may not turn the order around.
  last_ = std::max(last_, profile_.TimeOf(NextPlace() / share_));
  return last_;
}

// Where the next request stands among those of this share, of which one is due at each whole number on average.
double Arrivals::NextPlace() {
  const int64_t index = count_++;
  switch (kind_) {
    // Added up, since each place depends on the one before. The rounding errors add up as well, and are negligible
    // beside the chance in each interval. Independent intervals make bursts and gaps of every length, and so the queues
    // that real users cause; at equal intervals no two requests would ever meet. With a rate that changes it is a
    // Poisson process all the same, since the places are one of rate 1 (time change by the integral of the rate).
    case Kind::kPoisson:  // Memoryless: the next interval does not depend on how long the last one was.
      place_ += std::exponential_distribution<double>(1)(random_);
      return place_;
    // The phase counts in intervals of groups: the bursts of several threads alternate, they do not fall into each
    // other.
    case Kind::kBurst:  // All of a group have the place of its first request.
      return static_cast<double>(index - index % kBurstSize) + phase_ * kBurstSize;
    case Kind::kFixed:
      break;
  }
  return static_cast<double>(index) + phase_;
}

}  // namespace polyserve
