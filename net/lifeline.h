// Lifeline: how a server holds on to all of its descendants, however deep, without a list of them. One pipe leads
// down, one leads up:
//
//   down  the server holds the writing end, every descendant listens: a byte means "finish".
//   up    every descendant holds the writing end: when the server reads its end, they have all gone. When the server is
//         gone, even by SIGKILL, its end is closed, and that kills orphans; children ask the kernel for it
//         (PR_SET_PDEATHSIG).
//
// This reaches also the children of children that have exited (the double fork), whom neither kill() by number nor
// wait() nor PR_SET_PDEATHSIG reaches. The listening is a signal that the kernel sends when something happens to the
// pipe (O_ASYNC and F_SETSIG, see fcntl(2) and pipe(7)): SIGIO below, so that it also ends a blocking call; SIGKILL
// above, so that it also ends a process that is stopped (SIGSTOP), which would hold the server's ports otherwise.
#ifndef POLYSERVE_NET_LIFELINE_H_
#define POLYSERVE_NET_LIFELINE_H_

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

namespace polyserve {

class Lifeline {
 public:
  Lifeline() = default;  // Of no use before another is moved into it.
  static absl::StatusOr<Lifeline> Create();

  // What the server is to the descendant.
  enum class Kin { kChild, kOrphan };

  // In a descendant, first thing after fork(): listens from now on. A byte that comes is a Signals::RequestStop().
  // If it cannot listen, the process exits: it must not outlive the server.
  void HoldInDescendant(Kin kin);
  // The same, but returns why it cannot.
  absl::Status TryHold(Kin kin);

  // In the server: asks all to finish. One that is just about to block does not notice: repeat until all have gone.
  void TellStop();
  // In the server: waits until none is left, at most so long. False where some are.
  bool AwaitAllGone(absl::Duration timeout);

 private:
  UniqueFd down_read_, down_write_, up_read_, up_write_;
  pid_t server_ = -1;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_LIFELINE_H_
