// BackOff: how long to wait before something that keeps failing is tried again. Free of clocks: the caller says when.
//
//   0 while all goes well; 100 ms after a failure; twice as long after each that follows soon, up to 5 s.
#ifndef POLYSERVE_BACKENDS_POOL_BACK_OFF_H_
#define POLYSERVE_BACKENDS_POOL_BACK_OFF_H_

#include "absl/time/time.h"

namespace polyserve {

class BackOff {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(100);
  static constexpr absl::Duration kLongest = absl::Seconds(5);
  // What has lasted so long counts as a success, however it ended.
  static constexpr absl::Duration kGoodLife = absl::Seconds(1);

  // What was started at `started` has failed at `now`. Several that fail at the same time count as one.
  void OnFailure(absl::Time started, absl::Time now);

  // When to try again; in the past where there is nothing to wait for.
  absl::Time not_before() const { return not_before_; }

 private:
  absl::Duration delay_;
  absl::Time not_before_ = absl::InfinitePast();
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_BACK_OFF_H_
