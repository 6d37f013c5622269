// QueueDiscipline: which of those that wait in a queue is served next, and which are refused (--overload). Free of any
// queue: its owner keeps the entries, with the time at which each has come, and asks.
//
//   OnArrival() ─┬▶ kWaits             behind the others
//                ├▶ kRefused           the queue is full
//                └▶ kInsteadOfOldest   it is full, and the oldest is refused for it
//   next: the oldest, or with takes_newest() the newest ─▶ OnTurn() ─▶ served, or (false) refused
//
// With Overload::kDeadline, one may wait for a long time (`interval`) as long as the queue is empty now and then: a
// burst is served to its end. If it was not empty for all that time, more comes than can be served, and what waits any
// longer only makes the others wait, too: then one may wait for a short time (`target`), so that what is served is
// served while its client still wants it. That is the simple form of CoDel (Nichols and others, RFC 8289) that Maurer
// describes for servers ("Fail at Scale", ACM Queue 13, 2015).
//
// It counts what comes and goes, and the waits, in the statistics of its owner. The refusals (QueueCounters::refused,
// dropped) are for the owner to count: a request that is under way can't be refused, and is served in spite of what the
// discipline says. Not thread-safe. The time is passed, so that tests need no clock.
#ifndef POLYSERVE_BACKENDS_OVERLOAD_QUEUE_DISCIPLINE_H_
#define POLYSERVE_BACKENDS_OVERLOAD_QUEUE_DISCIPLINE_H_

#include <chrono>
#include <cstddef>

#include "absl/time/time.h"
#include "backends/overload/overload_options.h"
#include "net/statistics.h"

namespace polyserve {

class QueueDiscipline {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Arrival { kWaits, kInsteadOfOldest, kRefused };

  // The counters must outlive it; no other queue may count there.
  QueueDiscipline(const OverloadOptions& options, QueueCounters& counters) : options_(options), counters_(counters) {}

  // One comes, and `waiting` are there. Unless it is refused, it is in the queue from now on. One that may not be
  // refused, because it is no request, or was begun already, waits as the others do, though the queue is full.
  Arrival OnArrival(size_t waiting, Clock::time_point now, bool may_be_refused = true);

  // With this many in the queue there is no place for one more.
  bool IsFull(size_t waiting) const {
    return options_.is_set() && waiting >= static_cast<size_t>(options_.most_waiting);
  }

  // The next one is the one that has come last.
  bool takes_newest() const { return options_.rule == Overload::kNewest; }

  // It is the turn of one that has come at `since`, and it leaves the queue. False: it has waited for too long, and is
  // to be refused.
  bool OnTurn(Clock::time_point since, Clock::time_point now);

  // One leaves the queue for another reason: it has ended, or is refused.
  void OnLeave() { Counters::Add(counters_.waiting, -1); }

  // How long one may wait, as things are now; infinite but with kDeadline.
  absl::Duration Patience(Clock::time_point now) const;
  // The longest that one may wait at all.
  absl::Duration most_patience() const {
    return options_.rule == Overload::kDeadline ? options_.interval : absl::InfiniteDuration();
  }

 private:
  const OverloadOptions options_;
  QueueCounters& counters_;
  Clock::time_point was_empty_ = {};  // When it was empty last.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_OVERLOAD_QUEUE_DISCIPLINE_H_
