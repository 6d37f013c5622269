// AcceptLock: lets one worker of a pool at a time wait for a client (--accept=lock). Three kinds: one for threads, and
// two for processes. If a process dies while it holds a lock, the lock is released. Not recursive: Lock() and Unlock()
// in turn, from the same thread.
#ifndef POLYSERVE_BACKENDS_ACCEPT_ACCEPT_LOCK_H_
#define POLYSERVE_BACKENDS_ACCEPT_ACCEPT_LOCK_H_

#include <memory>

#include "absl/status/statusor.h"

namespace polyserve {

class AcceptLock {
 public:
  virtual ~AcceptLock() = default;

  // Blocks until the lock is ours. False: a signal came first, or a shortage (after a pause); try again. Only the file
  // lock can return false; the others are waited for to the end.
  [[nodiscard]] virtual bool Lock() = 0;
  virtual void Unlock() = 0;
};

// A mutex of this process.
std::unique_ptr<AcceptLock> MakeThreadLock();

// A mutex in memory that processes share, which costs no system call while nobody else wants it. It is robust: the
// kernel tells the next one that the owner has died (EOWNERDEAD, see pthread_mutexattr_setrobust(3)). Make it before
// the fork, and not where a descendant may outlive it.
absl::StatusOr<std::unique_ptr<AcceptLock>> MakeProcessMutex();

// A record lock on a file without a name (see fcntl(2)): a system call each time, but a signal ends the wait, and it
// works wherever files do. It belongs to the process, so that forked ones share the descriptor and yet exclude each
// other, and the kernel releases it with the process.
absl::StatusOr<std::unique_ptr<AcceptLock>> MakeFileLock();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_ACCEPT_LOCK_H_
