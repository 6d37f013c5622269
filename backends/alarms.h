// Alarms: who in a loop is to be called at what time. A loop has one timer of its own, for the first of them; whoever
// needs none is not in it, and pays nothing. One thread.
//
//   Alarm alarm([this] { OnTime(); });
//   alarms.Set(alarm, absl::Seconds(20));
//   alarms.RingDue();                        in 20 seconds: calls OnTime(), once
#ifndef POLYSERVE_BACKENDS_ALARMS_H_
#define POLYSERVE_BACKENDS_ALARMS_H_

#include <boost/intrusive/set.hpp>
#include <chrono>
#include <functional>
#include <utility>

#include "absl/time/time.h"

namespace polyserve {

// Is cancelled when it is destroyed.
class Alarm : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  using Clock = std::chrono::steady_clock;

  // `ring` may set or destroy this alarm and others.
  explicit Alarm(std::function<void()> ring) : ring_(std::move(ring)) {}
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  bool is_set() const { return is_linked(); }
  void Cancel() {
    if (is_linked()) unlink();
  }

  friend bool operator<(const Alarm& a, const Alarm& b) { return a.at_ < b.at_; }

 private:
  friend class Alarms;

  Clock::time_point at_;
  const std::function<void()> ring_;
};

class Alarms {
 public:
  using Clock = Alarm::Clock;

  // Sets it anew, from now on. Never early; infinite: never.
  void Set(Alarm& alarm, absl::Duration after);

  bool empty() const { return alarms_.empty(); }
  // When the first of them is due; not to be asked where there is none.
  Clock::time_point first() const { return alarms_.begin()->at_; }

  // Calls all that are due, each of which is no longer set.
  void RingDue();

 private:
  boost::intrusive::multiset<Alarm, boost::intrusive::constant_time_size<false>> alarms_;
};

// The alarms of one connection: for Output::WakeIn(), and for Output::Pause().
struct ConnectionAlarms {
  Alarm wake;
  Alarm pause;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ALARMS_H_
