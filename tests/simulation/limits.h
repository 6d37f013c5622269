// Limits: the flags of the simulated server that bound time, in the simulation's own units.
#ifndef POLYSERVE_TESTS_SIMULATION_LIMITS_H_
#define POLYSERVE_TESTS_SIMULATION_LIMITS_H_

#include <cstdint>

#include "tests/simulation/trace.h"

namespace polyserve::simulation {

struct Limits {
  Time idle_timeout = kNever;
  int64_t least_rate = 0;   // Bytes a second; 0: none.
  Time rate_window = 0;     // For that rate.
  Time head_timeout = 0;    // The session's own, for a line that has begun; 0: none.
  Time send_wait = kNever;  // ProgressLimits::send_wait(), for SO_SNDTIMEO.
  Time stop_grace = kSecond;

  // The time after which the server has surely done something about a peer that does nothing.
  Time Patience() const {
    const Time idle = idle_timeout == kNever ? 0 : idle_timeout;
    return 2 * (idle + rate_window + head_timeout) + stop_grace + 60 * kSecond;
  }
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_LIMITS_H_
