#include "backends/pool/back_off.h"

#include <algorithm>

namespace polyserve {

void BackOff::OnFailure(absl::Time started, absl::Time now) {
  // Workers that die together, for one reason, are one failure: the delay doubles once, not once for each of them.
  if (now < not_before_) return;
  if (now - started >= kGoodLife) {
    delay_ = absl::ZeroDuration();
    return;
  }
  // Twice zero is zero, which the clamp raises to kFirst: the first failure is no special case.
  delay_ = std::clamp(2 * delay_, kFirst, kLongest);
  not_before_ = now + delay_;
}

}  // namespace polyserve
