// Timers: the calls that a loop has to make at certain times. The loop itself waits only for the first of them, and a
// client without a timer is not in the set and costs nothing. For what is due at a precise time; the idle time-out,
// which every client has, is net/coarse_clock.h. One thread.
//
//   Timer timer([this] { OnTime(); });
//   timers.Set(timer, absl::Seconds(20));
//   timers.RingDue();                        in 20 seconds: calls OnTime(), once
//
// Setting and cancelling take time in proportion to the logarithm of how many are set (a balanced tree, whose links lie
// in the timers, so that nothing is allocated).
#ifndef POLYSERVE_BACKENDS_CONNECTION_TIMERS_H_
#define POLYSERVE_BACKENDS_CONNECTION_TIMERS_H_

#include <boost/intrusive/set.hpp>
#include <chrono>
#include <functional>
#include <utility>

#include "absl/time/time.h"

namespace polyserve {

// A call that can be set. Is cancelled when it is destroyed, and must not outlive its Timers while it is set. Make it a
// member of the object that it calls: then it never calls an object that is gone. It cannot be moved, since the set
// links to it.
//
//   not set ──Set()──▶ set ──RingDue(), Cancel(), destruction──▶ not set
class Timer : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using Clock = std::chrono::steady_clock;

  // `ring` runs on the loop's thread, in RingDue(), and may set or destroy this timer and others.
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

  // Sets it to ring once, this long from now, instead of what it was set to before. It never rings early, and late by
  // as long as the loop's iteration takes; infinite: never. It does not ring within the call that sets it, even if
  // `after` is zero.
  void Set(Timer& timer, absl::Duration after);

  bool empty() const { return timers_.empty(); }
  // When the first of them is due, and thus how long the loop may wait; not to be asked if empty().
  Clock::time_point first() const { return timers_.begin()->at_; }

  // Calls all that are due, the first one first; each is no longer set when it is called. Does not wait. What the calls
  // set is due at a later RingDue(), so this ends however often a timer sets itself again.
  void RingDue();

 private:
  boost::intrusive::multiset<Timer, boost::intrusive::constant_time_size<false>> timers_;
};

// The timers of one connection: the session's own (Output::SetTimer()), and the one that ends a driver's wait, for an
// acknowledgement (Output::Pause()) or of a lingering close.
struct ConnectionTimers {
  Timer wake;
  Timer pause;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_TIMERS_H_
