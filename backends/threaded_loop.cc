#include "backends/threaded_loop.h"

#include <utility>

#include "absl/status/statusor.h"

namespace polyserve {

absl::Status ThreadedLoop::Open(int threads, ReadyClients& ready, const ThreadedLoopOptions& options) {
  absl::StatusOr<std::unique_ptr<PollerLoop>> loop = OpenThreadedLoop(context_, mutex_, ready, in_turn_, options);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  threads_ = std::make_unique<ThreadGroup>();
  absl::Status status;
  for (int i = 1; status.ok() && i < threads; ++i) status = threads_->Start([this, i] { Work(i); });
  return status;
}

void ThreadedLoop::Close() {
  Tell(State::kClosed);
  threads_.reset();
  loop_.reset();
}

absl::Status ThreadedLoop::Run() {
  Tell(State::kRuns);
  Work(0);
  MutexLock lock(mutex_);
  return status_;
}

void ThreadedLoop::Tell(State state) {
  MutexLock lock(mutex_);
  state_ = state;
  WakeAll();
}

bool ThreadedLoop::is_over() const {
  return state_ == State::kClosed || (state_ == State::kRuns && (!status_.ok() || loop_->is_over()));
}

void ThreadedLoop::Turn(int self) {
  in_turn_ = self;
  waits_until_ = loop_->EndOfWait();
  status_.Update(loop_->Turn());
  in_turn_ = -1;
}

void ThreadedLoop::Return(ThreadedClient& client) {
  client.Return();
  if (in_turn_ >= 0 && (loop_->is_over() || loop_->EndOfWait() < waits_until_)) loop_->Interrupt();
}

}  // namespace polyserve
