// TimedTurn: which requests are timed (--time_requests=N): those that one wait in N has brought, drawn at random. The
// choice is made before the wait, so that a request that is not timed costs no look at a clock.
//
//   turn.BeginWait();
//   ... epoll_wait(2), or recv(2) itself
//   turn.EndWait();
//   ... for what is ready: turn.timed() ─▶ ReceiveTimed()
//
// Each thread, or loop, that waits has one. All requests that a wait has found are timed together: each of them has the
// same chance, however many come at once. Not thread-safe.
#ifndef POLYSERVE_BACKENDS_CONNECTION_TIMED_TURN_H_
#define POLYSERVE_BACKENDS_CONNECTION_TIMED_TURN_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "net/request_times.h"

namespace polyserve {

// A wait that brings requests which are timed.
struct TimedWait {
  using Clock = std::chrono::steady_clock;
  RequestTimes times;  // Where they are added.
  Clock::time_point began = {};
  Clock::time_point ended = {};  // As long as it is not set, the receive is the wait.
};

class TimedTurn {
 public:
  // No turn is timed.
  TimedTurn() = default;
  explicit TimedTurn(const RequestTimes& times);

  // Inline, since each costs a request a branch, or a part of one.
  void BeginWait() {
    is_timed_ = --waits_left_ == 0;
    if (is_timed_) Begin();
  }
  void EndWait() {
    if (is_timed_) own_ended_ = wait_.ended = TimedWait::Clock::now();
  }

  // What is served next was found ready so long ago, perhaps by an earlier wait; 0: by this one. Good until the next
  // call. Call it between EndWait() and BeginWait().
  void SetBack(std::chrono::microseconds ago) {
    if (!is_timed_) return;
    wait_.ended = own_ended_;
    if (ago > std::chrono::microseconds(0)) wait_.ended = std::min(own_ended_, TimedWait::Clock::now() - ago);
    wait_.began = std::min(own_began_, wait_.ended);
  }

  // The wait; null if what it has brought is not timed. Good until the next one begins.
  const TimedWait* timed() const { return is_timed_ ? &wait_ : nullptr; }

 private:
  void Begin();
  uint32_t Draw();

  TimedWait wait_;
  // Of the wait itself, whatever SetBack() has said since.
  TimedWait::Clock::time_point own_began_ = {};
  TimedWait::Clock::time_point own_ended_ = {};
  // Until a wait is timed. If none is, it comes by 0 once in four billion waits, and Begin() does nothing.
  uint32_t waits_left_ = 0;
  uint32_t random_ = 0;
  bool is_timed_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_TIMED_TURN_H_
