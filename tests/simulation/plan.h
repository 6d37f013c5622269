// The plan of a schedule: what is decided before it begins.
#ifndef POLYSERVE_TESTS_SIMULATION_PLAN_H_
#define POLYSERVE_TESTS_SIMULATION_PLAN_H_

#include "tests/simulation/client.h"
#include "tests/simulation/limits.h"
#include "tests/simulation/random.h"

namespace polyserve::simulation {

// `may_have_rate`: as Subject::has_least_rate.
Limits PlanLimits(Random& random, bool may_have_rate);

// What a script may ask for beside bytes; as in Subject.
struct Actions {
  bool tasks;
  bool questions;
};

// A peer that keeps to the rules, or one that does anything. It leaves by itself if no limit would ever end it.
Manner PlanManner(Random& random, const Limits& limits, Actions actions);

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_PLAN_H_
