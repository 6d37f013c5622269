// ThreadGroup: threads that come and go by themselves, and an owner that waits for the last of them. For a thread per
// client: an owner of one std::thread for each would have to join them, and keep a list of those that have ended.
//
//   ThreadGroup clients;
//   while (...) clients.Start([...] { serve one client });
//   // Its destructor waits for all.
//
// Any thread may call Start() and InterruptAll(); the destructor is the owner's.
#ifndef POLYSERVE_NET_THREAD_GROUP_H_
#define POLYSERVE_NET_THREAD_GROUP_H_

#include <pthread.h>

#include <condition_variable>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/mutex.h"

namespace polyserve {

class ThreadGroup {
 public:
  ThreadGroup() = default;
  // Waits until all threads have ended, however long that takes (--drain_timeout ends the process): repeats
  // InterruptAndWait().
  ~ThreadGroup();

  // Interrupts the blocking calls of all threads, so that each notices Signals::stopping(), and waits for their end,
  // but no longer than Signals::kMillisecondsBetweenInterrupts. True once all have ended. For an owner that has
  // something else to do between two such waits.
  bool InterruptAndWait();

  // Runs the work in a new thread, which ends with it, and leaves the process's signals to the main thread. What the
  // work holds is destroyed in that thread. Unavailable: the system has no thread left; then the work was not run.
  absl::Status Start(absl::AnyInvocable<void()> work);

  // Interrupts the blocking calls of all threads (EINTR), once. A thread that is just about to block does not notice:
  // repeat it.
  void InterruptAll();

 private:
  void Run(absl::AnyInvocable<void()> work);

  Mutex mutex_;
  absl::flat_hash_set<pthread_t> running_ ABSL_GUARDED_BY(mutex_);
  std::condition_variable_any ended_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_THREAD_GROUP_H_
