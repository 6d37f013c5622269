#include "client/load/open_loop.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/load/rate_profile.h"

namespace polyserve {

namespace {

void Follow(RateProfile profile, LoadPlan& plan) {
  plan.rate = profile.total() / absl::ToDoubleSeconds(plan.duration);
  plan.profile = std::make_shared<const RateProfile>(std::move(profile));
}

}  // namespace

absl::Status SetOpenLoop(absl::string_view rate, const std::string& profile, LoadPlan& plan) {
  if (!profile.empty()) {
    absl::StatusOr<RateProfile> found = ReadRateProfile(profile);
    if (!found.ok()) return found.status();
    plan.duration = found->duration();
    Follow(*std::move(found), plan);
    return absl::OkStatus();
  }
  const absl::StatusOr<std::pair<double, double>> rates = ParseRates(rate);
  if (!rates.ok()) return absl::InvalidArgumentError(absl::StrCat("--rate: ", rates.status().message()));
  const auto [from, to] = *rates;
  if (from != to) {
    Follow(RateProfile::Ramp(from, to, plan.duration), plan);
  } else if (from > 0) {
    // The flag has no value for "none" but 0; from here on the absence of a rate means a closed loop.
    plan.rate = from;
  }
  return absl::OkStatus();
}

}  // namespace polyserve
