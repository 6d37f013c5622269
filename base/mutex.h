// Mutex, MutexLock: std::mutex with the annotations that let clang prove what it guards (-Wthread-safety; see "Thread
// Safety Analysis" in clang's manual). Not absl::Mutex: Debian's build of it is invisible to ThreadSanitizer, which
// here checks for races and for the order of locks.
//
//   Mutex mutex_;
//   int count_ ABSL_GUARDED_BY(mutex_);                      clang refuses an access without the lock
//   void Drop() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);       and a call without it
//   { MutexLock lock(mutex_); ++count_; }
//
// To wait for a condition, use std::condition_variable_any with the Mutex itself.
#ifndef POLYSERVE_BASE_MUTEX_H_
#define POLYSERVE_BASE_MUTEX_H_

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace polyserve {

// Not recursive, and for the threads of one process; processes share MakeProcessMutex()
// (backends/accept/accept_lock.h).
class ABSL_LOCKABLE Mutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Holds the mutex as long as it lives. The names of the two functions above are those that the standard library
// expects.
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
