// FairShare: how much of one iteration of a loop one connection may have, so that no peer gets the thread for itself
// by pipelining requests faster than they are answered.
//
//   FairShare share;                          for each iteration
//   const Step step = conversation.Next(output);
//   if (!share.Allows(step)) { ... go on in the next iteration, with a new share }
#ifndef POLYSERVE_BACKENDS_CONNECTION_FAIR_SHARE_H_
#define POLYSERVE_BACKENDS_CONNECTION_FAIR_SHARE_H_

#include <utility>

#include "backends/connection/conversation.h"

namespace polyserve {

class FairShare {
 public:
  // The answer to what was read, and to what was held up behind it. Each is at most a full Output.
  static constexpr int kMaxOutputs = 4;

  // Whether the connection may do this step now. To be called once for each step.
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
