// Mutex, MutexLock: std::mutex with the annotations that let clang prove what it guards (-Wthread-safety).
// Not absl::Mutex: Debian's build of it is invisible to ThreadSanitizer, which here checks races and lock order.
#ifndef POLYSERVE_BASE_MUTEX_H_
#define POLYSERVE_BASE_MUTEX_H_

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace polyserve {

class ABSL_LOCKABLE Mutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_MUTEX_H_
