#include "tests/simulation/helper_thread.h"

namespace polyserve::simulation {

void HelperThread::Await(Turn turn) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return turn_ == turn; });
}

void HelperThread::Give(Turn turn) {
  const std::lock_guard<std::mutex> lock(mutex_);
  turn_ = turn;
  changed_.notify_all();
}

void HelperThread::Run() {
  Give(Turn::kHelper);
  Await(Turn::kServer);
}

void HelperThread::Release() {
  is_released_ = true;  // It stands still, and sees this behind the lock.
  Give(Turn::kHelper);
}

bool HelperThread::Yield() {
  if (is_released_) return false;
  Give(Turn::kServer);
  Await(Turn::kHelper);
  return !is_released_;
}

}  // namespace polyserve::simulation
