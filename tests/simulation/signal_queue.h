// SignalQueue: the signals that wait for the server's thread, which takes them by sigtimedwait(2): those that
// descriptors send ("I/O availability signals" in signal(7)), and those that another thread sends. It is short, so that
// it overflows often: then SIGIO, which is pending once or not at all, stands for what was lost.
#ifndef POLYSERVE_TESTS_SIMULATION_SIGNAL_QUEUE_H_
#define POLYSERVE_TESTS_SIMULATION_SIGNAL_QUEUE_H_

#include <signal.h>

#include <cstddef>
#include <deque>

namespace polyserve::simulation {

// One thread at a time.
class SignalQueue {
 public:
  // How many signals it takes (RLIMIT_SIGPENDING). Call it before the first one comes.
  void SetRoom(size_t most) { most_ = most; }

  // A real-time signal. False: there is no room for it.
  bool Add(const siginfo_t& signal) {
    if (signals_.size() >= most_) return false;
    signals_.push_back(signal);
    return true;
  }
  void RaiseIo() { has_io_ = true; }

  bool empty() const { return signals_.empty() && !has_io_; }
  // The one of the lowest number, which is SIGIO, or else the oldest. Not if it is empty.
  siginfo_t Take() {
    siginfo_t signal = {};
    if (has_io_) {
      has_io_ = false;
      signal.si_signo = SIGIO;
      signal.si_code = SI_KERNEL;
      return signal;
    }
    signal = signals_.front();
    signals_.pop_front();
    return signal;
  }

 private:
  size_t most_ = 1000;
  std::deque<siginfo_t> signals_;
  bool has_io_ = false;
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_SIGNAL_QUEUE_H_
