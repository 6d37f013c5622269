// AcceptLock: lets one worker of a pool at a time wait for a client (--accept=lock). There are three kinds: one for
// threads, and two for processes. If a process dies while it holds a lock, the lock is released.
//
//   while (true) {
//     if (!lock->Lock()) continue;     // A signal: look whether the server stops.
//     ... wait for a client, accept it
//     lock->Unlock();                  // The next worker waits, while this one serves.
//   }
//
// Not recursive: call Lock() and Unlock() in turn, from the same thread.
#ifndef POLYSERVE_BACKENDS_ACCEPT_ACCEPT_LOCK_H_
#define POLYSERVE_BACKENDS_ACCEPT_ACCEPT_LOCK_H_

#include <memory>

#include "absl/status/statusor.h"

namespace polyserve {

class AcceptLock {
 public:
  virtual ~AcceptLock() = default;

  // Blocks until the lock is ours. False: a signal came first, or the system is short of locks (after a pause); look
  // whether the server stops, and try again. Only the file lock ever returns false: a signal does not end a wait for
  // the other two.
  [[nodiscard]] virtual bool Lock() = 0;
  // Releases it. Never blocks, and never fails: a lock that cannot be released would stop the whole pool, so that is a
  // CHECK.
  virtual void Unlock() = 0;
};

// A mutex of this process, for threads.
std::unique_ptr<AcceptLock> MakeThreadLock();

// A mutex in memory that processes share: no system call unless two processes want it at once. It is robust: if its
// owner dies, the kernel gives it to the next process that asks, with a note (EOWNERDEAD, see
// pthread_mutexattr_setrobust(3)). Make it before the fork, and only if no descendant outlives this object.
absl::StatusOr<std::unique_ptr<AcceptLock>> MakeProcessMutex();

// A record lock on a file without a name (F_SETLKW, see fcntl(2)): a system call for each turn, but a signal ends the
// wait. The lock belongs to the process, not to the descriptor: forked processes share the descriptor, and yet exclude
// each other. The kernel releases it with the process.
absl::StatusOr<std::unique_ptr<AcceptLock>> MakeFileLock();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_ACCEPT_LOCK_H_
