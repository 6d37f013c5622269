// The simulation by hand, for as long as one likes. Ends with status 1 at the first schedule that fails, which it shows
// step by step:
//
//   bazel run -c opt //tests/simulation -- --schedules=1000000
//   bazel run //tests/simulation -- --model=epoll-edge --first_seed=4711 --schedules=1 --show
#include <gflags/gflags.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

#include "tests/simulation/schedule.h"
#include "tests/simulation/trace.h"

DEFINE_string(model, "", "the model to run; empty: all that can be simulated");
DEFINE_uint64(schedules, 20'000, "how many schedules each model runs");
DEFINE_uint64(first_seed, 0, "the seed of the first one, which the others follow; 0: any");
DEFINE_bool(questions, true, "sessions also ask other servers; without them a seed makes another schedule");
DEFINE_bool(show, false, "prints what happens in each of them, step by step");

namespace polyserve::simulation {
namespace {

void RunSchedules(const Subject& subject, uint64_t first) {
  const auto begin = std::chrono::steady_clock::now();
  uint64_t steps = 0;
  for (uint64_t i = 0; i < FLAGS_schedules; ++i) {
    const Trace trace = RunSchedule(subject, first + i);
    steps += trace.size();
    if (FLAGS_show) std::fputs(trace.ToString().c_str(), stdout);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%-12s %llu schedules from seed %llu on end well: %.0f per second, %.0f steps each\n",
              subject.name.c_str(), static_cast<unsigned long long>(FLAGS_schedules),
              static_cast<unsigned long long>(first), static_cast<double>(FLAGS_schedules) / took.count(),
              static_cast<double>(steps) / static_cast<double>(std::max<uint64_t>(FLAGS_schedules, 1)));
  std::fflush(stdout);
}

int Main() {
  const uint64_t first = FLAGS_first_seed != 0 ? FLAGS_first_seed : std::random_device()();
  bool found = false;
  for (Subject subject : AllSubjects()) {
    subject.asks_others = FLAGS_questions;
    if (!FLAGS_model.empty() && FLAGS_model != subject.name) continue;
    found = true;
    RunSchedules(subject, first);
  }
  if (!found) std::fprintf(stderr, "simulation: no model of the name %s can be simulated\n", FLAGS_model.c_str());
  return found ? 0 : 2;
}

}  // namespace
}  // namespace polyserve::simulation

int main(int argc, char** argv) {
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return polyserve::simulation::Main();
}
