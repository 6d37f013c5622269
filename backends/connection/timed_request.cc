#include "backends/connection/timed_request.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstddef>

namespace polyserve {

TimedRequest::Moment TimedRequest::Moment::Now() {
  timespec processor = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &processor);
  const std::chrono::nanoseconds had =
      std::chrono::seconds(processor.tv_sec) + std::chrono::nanoseconds(processor.tv_nsec);
  return {Clock::now(), had};
}

int64_t TimedRequest::Sleeps() {
  rusage usage = {};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nvcsw;
}

TimedRequest::TimedRequest(const RequestTimes& times, int service, const Arrival& arrival)
    : times_(times), service_(service), since_(arrival.taken) {
  const Clock::time_point taken = arrival.taken.time;
  const Clock::time_point arrived = std::min(arrival.arrived, taken);
  const Clock::time_point waits = std::clamp(arrival.wait_began, arrived, taken);
  const Clock::time_point known = std::clamp(arrival.wait_ended, waits, taken);
  Add(RequestPart::kSocket, waits - arrived);
  Add(RequestPart::kWakeup, known - waits);
  Add(RequestPart::kQueue, taken - known);
}

void TimedRequest::Run(RequestPart on_processor, RequestPart off_processor, Moment now) {
  Count(now);
  runs_ = true;
  on_processor_ = on_processor;
  other_ = off_processor;
}

void TimedRequest::Wait(RequestPart part, Moment now) {
  Count(now);
  runs_ = false;
  other_ = part;
}

void TimedRequest::Finish(Moment now) {
  Count(now);
  times_.Add(service_, parts_);
}

// The two clocks are read one after the other, so the thread may seem to have run for longer than the time that has
// passed.
void TimedRequest::Count(const Moment& now) {
  const std::chrono::nanoseconds passed = now.time - since_.time;
  const std::chrono::nanoseconds ran =
      runs_ ? std::clamp(now.processor - since_.processor, std::chrono::nanoseconds(0), passed)
            : std::chrono::nanoseconds(0);
  Add(on_processor_, ran);
  Add(other_, passed - ran);
  since_ = now;
}

}  // namespace polyserve
