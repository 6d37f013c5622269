// The drivers in a simulation (schedule.h): many schedules under each model, from seeds that are always the same.
#include <cstdint>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/simulation/schedule.h"

namespace polyserve::simulation {
namespace {

// Of each model.
constexpr uint64_t kKnownSchedules = 300;

class SimulationTest : public testing::TestWithParam<Subject> {};

TEST_P(SimulationTest, EveryScheduleEndsWell) {
  for (uint64_t seed = 1; seed <= kKnownSchedules; ++seed) RunSchedule(GetParam(), seed);
}

TEST_P(SimulationTest, SameSeedMakesTheSameTrace) {
  std::set<std::string> traces;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const std::string trace = RunSchedule(GetParam(), seed).ToString();
    EXPECT_EQ(trace, RunSchedule(GetParam(), seed).ToString()) << "seed " << seed;
    traces.insert(trace);
  }
  EXPECT_EQ(traces.size(), 20) << "another seed makes another trace";
}

INSTANTIATE_TEST_SUITE_P(AllSubjects, SimulationTest, testing::ValuesIn(AllSubjects()),
                         [](const testing::TestParamInfo<Subject>& info) {
                           std::string name = info.param.name;
                           for (char& letter : name) letter = letter == '-' ? '_' : letter;
                           return name;
                         });

}  // namespace
}  // namespace polyserve::simulation
