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

Arrivals::Arrivals(Kind kind, double rate, uint64_t seed, double phase)
    : kind_(kind), interval_(1e9 / rate), phase_(phase), random_(seed) {}

int64_t Arrivals::Next() {
  const int64_t index = count_++;
  switch (kind_) {
    case Kind::kFixed:  // Multiplied, so that no error adds up.
      at_ = interval_ * (static_cast<double>(index) + phase_);
      break;
    case Kind::kPoisson:  // Memoryless: the next interval does not depend on how long the last one was.
      at_ += std::exponential_distribution<double>(1 / interval_)(random_);
      break;
    case Kind::kBurst:  // All of a group have the time of its first request; a group's interval is kBurstSize times as
                        // long.
      at_ = interval_ * (static_cast<double>(index - index % kBurstSize) + phase_ * kBurstSize);
      break;
  }
  return static_cast<int64_t>(at_);
}

}  // namespace polyserve
