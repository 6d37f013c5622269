// FairShare: how much of one iteration of a loop one connection may have, so that no peer gets the thread for itself
// by pipelining requests faster than they are answered.
//
//   FairShare share;                          for each iteration
//   const Step step = conversation.Next(output);
//   if (!share.Allows(step)) { ... go on in the next iteration, with a new share }
//
// It counts what a connection makes the thread do; what it sends and reads is bounded by bytes (see fairness.h).
// Drivers with a thread for each connection need none of this: the kernel shares the processor among threads.
#ifndef POLYSERVE_BACKENDS_CONNECTION_FAIR_SHARE_H_
#define POLYSERVE_BACKENDS_CONNECTION_FAIR_SHARE_H_

#include <utility>

#include "backends/connection/conversation.h"

namespace polyserve {

class FairShare {
 public:
  // The answer to what was read, and to what was held up behind it. An Output is full at Output::kHighWaterBytes, so
  // this is about 256 KiB of replies for one iteration.
  static constexpr int kMaxOutputs = 4;

  // Whether the connection may do this step now. To be called once for each step, since it counts. If it says no, leave
  // the step undone: Conversation::Next() returns it again.
  bool Allows(Step step) {
    if (step == Step::kResume) return ++outputs_ <= kMaxOutputs;
    return step != Step::kRunTask || !std::exchange(has_run_task_, true);  // One task: it keeps all others waiting.
  }

 private:
  int outputs_ = 1;
  bool has_run_task_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_FAIR_SHARE_H_
