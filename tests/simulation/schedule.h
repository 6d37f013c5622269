// Schedule: one run of a server in the simulation, all of which follows from a seed: the limits, the peers and what
// they do and when, each whim of the kernel, and the moment of the stop.
//
//   for (uint64_t seed = 1; seed <= 20'000; ++seed) RunSchedule(subject, seed);
//
// Checked in each of them, besides what client.h and kernel.h check as it happens: the server returns after the stop,
// every connection that it has accepted is counted as ended once, and no descriptor and no session is left behind.
#ifndef POLYSERVE_TESTS_SIMULATION_SCHEDULE_H_
#define POLYSERVE_TESTS_SIMULATION_SCHEDULE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/backend.h"
#include "tests/simulation/trace.h"

namespace polyserve::simulation {

// What is under test.
struct Subject {
  std::string name;  // For --model.
  std::function<absl::StatusOr<std::unique_ptr<Backend>>()> make;
  // What it can do: false leaves that out of the schedules.
  bool has_least_rate = true;  // --min_rate
  bool has_tasks = true;       // Output::Work() and Pause()
  bool asks_others = true;     // Output::Ask()
};

// The models of the server that have one thread; loop is the blocking driver. What is behind the name of a model says
// how it differs: "epoll-edge" has --trigger=edge, "libevent-poll" --method=poll, and "uring-all" has all that a ring
// may be asked for by flags (but a thread of the kernel's).
const std::vector<Subject>& AllSubjects();

// Runs the schedule of this seed, and returns what has happened. If it fails, the process ends (trace.h). Not within
// another schedule.
Trace RunSchedule(const Subject& subject, uint64_t seed);

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_SCHEDULE_H_
