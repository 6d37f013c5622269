#include "net/child_observer.h"

#include <sys/wait.h>

namespace polyserve {

// One SIGCHLD may stand for several children, since a pending signal is not queued (signal(7)), so each call reaps
// until none is left. A child that no observer knows is reaped all the same: it must not stay a zombie. waitpid(2) ends
// the loop with 0 if children are left but none has ended, and with -1 (ECHILD) if there are none.
void ReapChildren(absl::Span<ChildObserver* const> observers) {
  int wait_status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    for (ChildObserver* observer : observers) {
      if (observer->OnChildEnd(pid, wait_status)) break;
    }
  }
  for (ChildObserver* observer : observers) observer->OnChildSignal();
}

}  // namespace polyserve
