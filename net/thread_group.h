// ThreadGroup: threads that come and go by themselves, and one who waits for the last of them.
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
  // Waits until all have ended; meanwhile interrupts their blocking calls again and again, so that each notices
  // Signals::stopping().
  ~ThreadGroup();

  // Runs the work in a new thread, which ends with it. Unavailable: the system has no thread left.
  absl::Status Start(absl::AnyInvocable<void()> work);

  // Interrupts the blocking calls of all, once. One that is just about to block does not notice: repeat it.
  void InterruptAll();

 private:
  void Run(absl::AnyInvocable<void()> work);

  Mutex mutex_;
  absl::flat_hash_set<pthread_t> running_ ABSL_GUARDED_BY(mutex_);
  std::condition_variable_any ended_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_THREAD_GROUP_H_
