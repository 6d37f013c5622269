// OverloadOptions: what a model with a queue of its own does when more arrives than it can serve (--overload). A
// request waits in that queue, or, in a pool, a client that has connected.
//
//   wait      everything waits, and is served in the order in which it has come
//   refuse    at most `most_waiting` wait; what comes then is refused at once
//   newest    what has come last is served first; if the queue is full, the oldest is refused
//   deadline  in order, but what has waited for too long is refused when its turn comes (queue_discipline.h)
//
// What is refused gets the words of its protocol (Session::OnOverload()), and the connection is closed.
#ifndef POLYSERVE_BACKENDS_OVERLOAD_OVERLOAD_OPTIONS_H_
#define POLYSERVE_BACKENDS_OVERLOAD_OVERLOAD_OPTIONS_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace polyserve {

enum class Overload { kWait, kRefuse, kNewest, kDeadline };

// A value. The times are those of kDeadline.
struct OverloadOptions {
  Overload rule = Overload::kWait;
  int most_waiting = 0;  // At least 1; 0 only with kWait: any number.
  // How long one may wait while the queue stands, which it does if it was not empty for `interval`; and otherwise.
  absl::Duration target = absl::InfiniteDuration();
  absl::Duration interval = absl::InfiniteDuration();

  // The rule is about the queue; kWait needs none.
  bool is_set() const { return rule != Overload::kWait; }
};

// Reads the flags, so call it after they are parsed. With --max_connections, `wait` and `refuse` are about connections
// above that limit (backends/accept/connection_limit.h), so that `refuse` is about the queue only if --overload_queue
// is given as well. InvalidArgument, with one line for the user: a value is none of these, or flags contradict each
// other.
absl::StatusOr<OverloadOptions> OverloadOptionsFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_OVERLOAD_OVERLOAD_OPTIONS_H_
