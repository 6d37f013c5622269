// ThreadedLoop: one event loop, and N threads that share it under one mutex. One thread at a time is in the loop's turn
// (backends/event/poller_loop.h), while others serve the clients that it has found (backends/threaded_client.h). What
// the models leader and stealing have in common: how the threads start and end, and that the one that waits learns of
// what the others have changed. What a thread does next is the model's to say.
//
//   thread:  Work():  until is_over():  Turn()  |  client.Serve(), then Return()  |  sleep
//
// The mutex guards all but what Serve() does. Its threads are the main one, which is 0, and those that Open() starts.
#ifndef POLYSERVE_BACKENDS_THREADED_LOOP_H_
#define POLYSERVE_BACKENDS_THREADED_LOOP_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "backends/accept/server_context.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop.h"
#include "backends/poller/poller.h"
#include "backends/threaded_client.h"
#include "base/mutex.h"
#include "net/thread_group.h"

namespace polyserve {

class ThreadedLoop : public EventLoop {
 public:
  // The main thread works, too, until the server has stopped. See EventLoop.
  absl::Status Run() override;

 protected:
  // The context must outlive it.
  explicit ThreadedLoop(ServerContext& context) : context_(context) {}

  // Opens the set, and starts the threads but the main one; runs() is false until Run(). Clients that are ready go to
  // `ready`. Fails for want of descriptors, memory or threads; then the loop is to be destroyed.
  absl::Status Open(int threads, ReadyClients& ready, const ThreadedLoopOptions& options = {})
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Has all threads leave, waits for them, and drops the clients that are left. The destructor of the model's class
  // calls it, before what threads and clients use is destroyed.
  void Close();

  // What a thread does until is_over(), which it has to look at whenever it was woken.
  virtual void Work(int self) = 0;
  // Wakes all threads that sleep.
  virtual void WakeAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;

  // Whether clients are to be served; otherwise there is nothing to do yet.
  bool runs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return state_ == State::kRuns; }
  // The server has stopped, or cannot wait any more: all threads are to leave.
  bool is_over() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // One turn of the loop, by this thread, if no other one is in it. The mutex is released while the turn waits.
  void Turn(int self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the wait of the turn, or, if no thread is in it, that of the next one.
  void Interrupt() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { loop_->Interrupt(); }
  // After client.Serve(). May destroy the client. Ends the wait of the thread that is in the turn, if that would now be
  // too long: for a timer, or for the end.
  void Return(ThreadedClient& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ServerContext& context_;
  Mutex mutex_;
  int in_turn_ ABSL_GUARDED_BY(mutex_) = -1;  // The thread; -1: none.

 private:
  enum class State { kOpens, kRuns, kClosed };  // Closed: Run() is over, or the server has failed to start.

  void Tell(State state);

  State state_ ABSL_GUARDED_BY(mutex_) = State::kOpens;
  Poller::Clock::time_point waits_until_ ABSL_GUARDED_BY(mutex_);  // The thread in the turn, as it knew.
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<PollerLoop> loop_;      // Set before there are threads; used with the mutex held.
  std::unique_ptr<ThreadGroup> threads_;  // Likewise. Its destructor waits for them.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_THREADED_LOOP_H_
