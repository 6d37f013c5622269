#include "net/thread_group.h"

#include <chrono>
#include <thread>
#include <utility>

#include "base/thread.h"
#include "net/signals.h"
#include "trace/trace.h"

namespace polyserve {

// The lock is held until the thread is in the set. Without it a short-lived thread could look for itself there before
// it was inserted, and the group would wait for ever for a thread that has ended.
absl::Status ThreadGroup::Start(absl::AnyInvocable<void()> work) {
  MutexLock lock(mutex_);  // Held, so that the thread is known before it can end.
  absl::StatusOr<std::thread> thread = StartThread([this, work = std::move(work)]() mutable { Run(std::move(work)); });
  if (!thread.ok()) return thread.status();
  running_.insert(thread->native_handle());
  Trace::Mark(Traced::kThread, -1, 0);
  // Detached, so that it frees its stack by itself when it ends; running_ is what the destructor waits for instead.
  thread->detach();
  return absl::OkStatus();
}

void ThreadGroup::Run(absl::AnyInvocable<void()> work) {
  Signals::LeaveToMainThread();
  work();
  work = nullptr;  // What it holds is destroyed while the group still waits for this thread.
  MutexLock lock(mutex_);
  // The notification is the thread's last look at the group, and under the lock: the destructor, which waits for the
  // lock, cannot free the group under it.
  running_.erase(::pthread_self());
  if (running_.empty()) ended_.notify_all();
}

void ThreadGroup::InterruptAll() {
  MutexLock lock(mutex_);
  for (const pthread_t thread : running_) Signals::Interrupt(thread);
}

ThreadGroup::~ThreadGroup() {
  while (!InterruptAndWait()) {
  }
}

// A thread in the set has not ended, so its handle is valid: pthread_kill(3) with the handle of an ended one is not.
bool ThreadGroup::InterruptAndWait() {
  MutexLock lock(mutex_);
  if (running_.empty()) return true;
  for (const pthread_t thread : running_) Signals::Interrupt(thread);
  ended_.wait_for(mutex_, std::chrono::milliseconds(Signals::kMillisecondsBetweenInterrupts));
  return running_.empty();
}

}  // namespace polyserve
