// The plan of a schedule: what is decided before it begins.
#ifndef POLYSERVE_TESTS_SIMULATION_PLAN_H_
#define POLYSERVE_TESTS_SIMULATION_PLAN_H_

#include "tests/simulation/client.h"
#include "tests/simulation/limits.h"
#include "tests/simulation/random.h"

namespace polyserve::simulation {

// `may_have_rate`, `has_tasks`: as in Subject.
Limits PlanLimits(Random& random, bool may_have_rate);

// A peer that keeps to the rules, or one that does anything. It leaves by itself if no limit would ever end it.
Manner PlanManner(Random& random, const Limits& limits, bool has_tasks);

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_PLAN_H_
