// Trace: what has happened in a schedule, step by step. It is kept for every schedule, so a step is a few numbers, and
// becomes text only if the schedule fails.
#ifndef POLYSERVE_TESTS_SIMULATION_TRACE_H_
#define POLYSERVE_TESTS_SIMULATION_TRACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace polyserve::simulation {

// The simulated CLOCK_MONOTONIC, in nanoseconds.
using Time = int64_t;
constexpr Time kNever = INT64_MAX;
constexpr Time kMicrosecond = 1'000;
constexpr Time kMillisecond = 1'000'000;
constexpr Time kSecond = 1'000'000'000;

class Trace {
 public:
  Trace() { steps_.reserve(1024); }

  // `what` must live as long as the program. `who`: a descriptor of the server, or the number of a client.
  void Add(Time at, const char* what, int64_t who, int64_t argument, int64_t result) {
    steps_.push_back({at, what, who, argument, result});
  }

  // A line for each step.
  std::string ToString() const;
  size_t size() const { return steps_.size(); }

 private:
  struct Step {
    Time at;
    const char* what;
    int64_t who;
    int64_t argument;
    int64_t result;
  };
  std::vector<Step> steps_;
};

// The end of a schedule that has failed: prints the reason, the name of the schedule, by which it can be repeated, and
// the steps, on standard error; then the process exits with this status. There is no way on: the driver under test may
// be anywhere, on the stack of a fiber or in a coroutine.
constexpr int kFailureStatus = 1;
[[noreturn]] void FailSchedule(absl::string_view reason, absl::string_view name, const Trace& trace);

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_TRACE_H_
