// Timers: who in a loop is to be called at what time. A loop has one timer of its own, for the first of them; whoever
// needs none is not in it, and pays nothing. One thread.
//
//   Timer timer([this] { OnTime(); });
//   timers.Set(timer, absl::Seconds(20));
//   timers.RingDue();                        in 20 seconds: calls OnTime(), once
#ifndef POLYSERVE_BACKENDS_CONNECTION_TIMERS_H_
#define POLYSERVE_BACKENDS_CONNECTION_TIMERS_H_

#include <boost/intrusive/set.hpp>
#include <chrono>
#include <functional>
#include <utility>

#include "absl/time/time.h"

namespace polyserve {

// Is cancelled when it is destroyed.
class Timer : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using Clock = std::chrono::steady_clock;

  // `ring` may set or destroy this timer and others.
  explicit Timer(std::function<void()> ring) : ring_(std::move(ring)) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool is_set() const { return is_linked(); }
  void Cancel() {
    if (is_linked()) unlink();
  }

  friend bool operator<(const Timer& a, const Timer& b) { return a.at_ < b.at_; }

 private:
  friend class Timers;

  Clock::time_point at_;
  const std::function<void()> ring_;
};

class Timers {
 public:
  using Clock = Timer::Clock;

  // Sets it anew, from now on. Never early; infinite: never.
  void Set(Timer& timer, absl::Duration after);

  bool empty() const { return timers_.empty(); }
  // When the first of them is due; not to be asked where there is none.
  Clock::time_point first() const { return timers_.begin()->at_; }

  // Calls all that are due, each of which is no longer set.
  void RingDue();

 private:
  boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>> timers_;
};

// The timers of one connection: for Output::SetTimer(), and for Output::Pause().
struct ConnectionTimers {
  Timer wake;
  Timer pause;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_TIMERS_H_
