#include "net/child_observer.h"

#include <sys/wait.h>

#include <algorithm>

namespace polyserve {

void ReapChildren(absl::Span<ChildObserver* const> observers) {
  int wait_status = 0;
  for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
    std::any_of(observers.begin(), observers.end(),
                [&](ChildObserver* observer) { return observer->OnChildEnd(pid, wait_status); });
  }
  for (ChildObserver* observer : observers) observer->OnChildSignal();
}

}  // namespace polyserve
