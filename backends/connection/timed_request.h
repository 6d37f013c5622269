// TimedRequest: the parts of one request's time, while it goes on. At each moment it is in one part; each call says
// what comes next, and what has passed since the call before counts for what that said. So the parts add up to the time
// from its arrival to its end, without a gap.
//
//   arrived   the wait began   it ended      taken         Run()               Wait()        Run()  Finish()
//      │ socket     │  wakeup     │   queue     │  run, off_cpu │     wait ...     │  send, peer │
//      └────────────┴─────────────┴─────────────┴───────────────┴──────────────────┴─────────────┘
//
// In a part that runs, the time that the thread has had of its processor, and the rest, count for two parts.
//
// One thread at a time; a part that runs ends in the thread in which it began. Costs two looks at clocks for each call,
// one of them a system call.
#ifndef POLYSERVE_BACKENDS_CONNECTION_TIMED_REQUEST_H_
#define POLYSERVE_BACKENDS_CONNECTION_TIMED_REQUEST_H_

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "net/request_times.h"

namespace polyserve {

// Shared by the connection and its task, if a helper runs that: the connection may end first.
class TimedRequest : public boost::intrusive_ref_counter<TimedRequest> {
 public:
  using Clock = std::chrono::steady_clock;

  struct Moment {
    Clock::time_point time;
    std::chrono::nanoseconds processor;  // That the calling thread has had.
    static Moment Now();
  };

  // How it came. In any order: a request may arrive before the wait for it begins, or after the wait was ended by an
  // earlier one, and only what was before `taken` counts.
  struct Arrival {
    Clock::time_point arrived;
    Clock::time_point wait_began;
    Clock::time_point wait_ended;
    Moment taken;  // By the thread that calls: the request runs from here on.
  };

  // `times`: where it is added at its end.
  TimedRequest(const RequestTimes& times, int service, const Arrival& arrival);

  // From now on the calling thread works on it. `off_processor`: what it counts as if the thread does not run.
  void Run(RequestPart on_processor, RequestPart off_processor, Moment now = Moment::Now());
  // While it runs: what the time off the processor counts for, from the last Run() on.
  void OffProcessorIs(RequestPart part) { other_ = part; }
  // How often the calling thread has given up its processor by itself, because a call had to wait. A system call.
  static int64_t Sleeps();
  // From now on the thread does something else.
  void Wait(RequestPart part, Moment now = Moment::Now());
  // It is over. No other call may follow.
  void Finish(Moment now = Moment::Now());

  // For the connection, which knows: whether the session has counted it, and whether it has said something to it. Some
  // sessions count a request before all of it is there.
  bool is_counted = false;
  bool is_answered = false;

 private:
  void Count(const Moment& now);
  void Add(RequestPart part, std::chrono::nanoseconds time) { parts_[static_cast<size_t>(part)] += time; }

  const RequestTimes times_;
  const int service_;
  RequestTimes::Parts parts_ = {};
  bool runs_ = true;
  RequestPart on_processor_ = RequestPart::kRun;
  RequestPart other_ = RequestPart::kOffCpu;  // If it runs: off the processor.
  Moment since_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_TIMED_REQUEST_H_
