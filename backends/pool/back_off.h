// BackOff: how long to wait before something that keeps failing is tried again, here a worker that dies young or cannot
// be started. Without it, a fault that kills each worker at once would keep a processor busy with forks. Reads no
// clock: the caller says what time it is.
//
//   no failure yet          try again at once
//   a failure               wait 100 ms
//   one more soon after it  wait twice as long each time, at most 5 s
//   it ran for a second     that is a success: the next failure waits 100 ms again
#ifndef POLYSERVE_BACKENDS_POOL_BACK_OFF_H_
#define POLYSERVE_BACKENDS_POOL_BACK_OFF_H_

#include "absl/time/time.h"

namespace polyserve {

// One thread at a time. All times must come from the same clock.
class BackOff {
 public:
  // Ten attempts a second are few enough to be cheap, and many enough for a shortage that passes quickly.
  static constexpr absl::Duration kFirst = absl::Milliseconds(100);
  static constexpr absl::Duration kLongest = absl::Seconds(5);
  // What has run this long counts as a success, however it ended.
  static constexpr absl::Duration kGoodLife = absl::Seconds(1);

  // Notes that what was started at `started` has failed at `now`. Failures before not_before() do not count: several
  // workers that fail together are one failure.
  void OnFailure(absl::Time started, absl::Time now);

  // When to try again; in the past if there is nothing to wait for.
  absl::Time not_before() const { return not_before_; }

 private:
  absl::Duration delay_;
  absl::Time not_before_ = absl::InfinitePast();
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_BACK_OFF_H_
