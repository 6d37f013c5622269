// HelperThread: a second thread of the server, of those that only wait for descriptors and then tell the first one. It
// is a real thread, but it runs only while the first one stands still, so that a seed still makes one schedule:
//
//   server's thread:  starts it, AwaitStart() ─▶ ... ─▶ Run() ············▶ ... ─▶ Release(), joins it
//   the helper:       ... its first wait: Yield() ········▶ ... ─▶ Yield() ·············▶ ... ends
//
// The kernel calls Run() when what the helper waits for has come (kernel.h).
#ifndef POLYSERVE_TESTS_SIMULATION_HELPER_THREAD_H_
#define POLYSERVE_TESTS_SIMULATION_HELPER_THREAD_H_

#include <condition_variable>
#include <mutex>
#include <thread>

namespace polyserve::simulation {

// By the standard library's means, since Abseil's Mutex may look at the clock, which is simulated.
class HelperThread {
 public:
  // By the server's thread.
  HelperThread() : server_(std::this_thread::get_id()) {}

  // --- The server's thread: each blocks until the helper yields. ---

  // The helper was started. At most one is at a time.
  void AwaitStart() { Await(Turn::kServer); }
  void Run();

  // From here on it runs by itself, to its end, for which the caller waits without a call of the kernel.
  void Release();
  // It has ended.
  void NoteEnd() { is_released_ = false; }

  // --- The helper. ---

  // Any thread but the server's counts as the helper.
  bool is_this_thread() const { return std::this_thread::get_id() != server_; }
  // Stands still until Run() or Release(). False: it was released, and there will be no other time.
  bool Yield();

 private:
  enum class Turn { kServer, kHelper };
  void Await(Turn turn);
  void Give(Turn turn);

  const std::thread::id server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Turn turn_ = Turn::kHelper;  // Of the one that runs: a helper begins with it.
  bool is_released_ = false;
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_HELPER_THREAD_H_
