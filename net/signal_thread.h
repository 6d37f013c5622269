// SignalThread: answers SIGHUP, SIGUSR1, SIGUSR2 and ticks (Signals::kTickSignal) on a thread of its own, for a model
// whose only other thread may be busy with one client for as long as that stays. Not for models that fork: a process
// that forks must have one thread.
//
//   SIGHUP, SIGUSR1, SIGUSR2, SIGURG ─▶ sigwait(3) on the new thread ─▶ answer(kReload, kReport, kUpgrade or kTick)
//
// As the thread waits for the signals rather than handling them, the answer is ordinary code: it may lock, log and
// allocate, which a signal handler may not (signal-safety(7)).
#ifndef POLYSERVE_NET_SIGNAL_THREAD_H_
#define POLYSERVE_NET_SIGNAL_THREAD_H_

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"

namespace polyserve {

class SignalThread {
 public:
  // Called with Signals::kReload, kReport, kUpgrade or kTick, one call at a time, on the new thread; it shares what it
  // touches with the other threads. A signal that comes during the call is answered after it, several of a kind once.
  using Answer = std::function<void(unsigned event)>;

  // The calling thread, and those that it starts later, leave these signals to the new one. Call it in the main
  // thread, before others are started. Unavailable: the system has no thread left; then the signals stay as they were.
  static absl::StatusOr<std::unique_ptr<SignalThread>> Start(Answer answer);
  // Ends the thread, and waits for an answer under way. The signals stay blocked.
  ~SignalThread();

 private:
  explicit SignalThread(Answer answer) : answer_(std::move(answer)) {}
  void Run();

  const Answer answer_;
  std::atomic<bool> is_ending_{false};
  std::thread thread_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_SIGNAL_THREAD_H_
