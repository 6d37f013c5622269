#include "base/thread.h"

#include <signal.h>

#include <utility>

namespace polyserve {

// A new thread inherits its creator's mask.
absl::StatusOr<std::thread> StartThreadWithoutSignals(absl::AnyInvocable<void()> run) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  absl::StatusOr<std::thread> thread = StartThread(std::move(run));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace polyserve
