// ChildObserver: learns of child processes that have ended. A server has children of several kinds (workers, the hub of
// a chat room, a fork server), and waitpid(2) for any child meets all of them, so one place reaps and asks the
// observers in turn whose child it was.
//
//   parent:  SIGCHLD ─▶ ReapChildren() ─▶ waitpid ─▶ OnChildEnd() of each observer, until one knows the child
//                                      └▶ OnChildSignal() of all observers
#ifndef POLYSERVE_NET_CHILD_OBSERVER_H_
#define POLYSERVE_NET_CHILD_OBSERVER_H_

#include <sys/types.h>

#include "absl/types/span.h"

namespace polyserve {

class ChildObserver {
 public:
  virtual ~ChildObserver() = default;

  // A child has ended and was reaped; `wait_status` is waitpid(2)'s. Returns true if it was this observer's. It may be
  // a stranger to all of them: one that this process has adopted (as PID 1 does), or had before it became the server
  // ("sh -c 'helper & exec server'").
  virtual bool OnChildEnd(pid_t pid, int wait_status) = 0;

  // SIGCHLD has come, and every child that had ended was reaped. For observers whose processes are another one's
  // children: a fork server passes their SIGCHLD on, but leaves nothing to reap here.
  virtual void OnChildSignal() {}
};

// Reaps all child processes that have ended, without waiting, and tells the observers. In the main thread.
void ReapChildren(absl::Span<ChildObserver* const> observers);

}  // namespace polyserve

#endif  // POLYSERVE_NET_CHILD_OBSERVER_H_
