// The drivers in a simulation (schedule.h): many schedules under each model, and the proof that a driver with a mistake
// does not get through.
#include <cstdint>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/simulation/mistaken_model.h"
#include "tests/simulation/schedule.h"
#include "tests/simulation/trace.h"

namespace polyserve::simulation {
namespace {

// Of each model, from seeds that are always the same: new ones are for main.cc. A sanitizer makes each of them ten
// times as long.
constexpr uint64_t kKnownSchedules = kSanitized ? 40 : 300;
constexpr uint64_t kRepeatedSchedules = kSanitized ? 5 : 20;
// These have found a fault of a driver, or of the simulation. A change of the plan makes other schedules of them. They
// are of a time when no session asked another server.
constexpr uint64_t kFailedOnce[] = {2693673829, 3830464378, 960046605,  575953734, 1769230944, 712263872, 565380411,
                                    2644740994, 2665764694, 1393936686, 945,       491,        20015538};

class SimulationTest : public testing::TestWithParam<Subject> {};

TEST_P(SimulationTest, EveryScheduleEndsWell) {
  for (uint64_t seed = 1; seed <= kKnownSchedules; ++seed) RunSchedule(GetParam(), seed);
}

TEST_P(SimulationTest, SchedulesThatHaveFailedEndWell) {
  Subject subject = GetParam();
  subject.asks_others = false;
  for (const uint64_t seed : kFailedOnce) RunSchedule(subject, seed);
}

TEST_P(SimulationTest, SameSeedMakesTheSameTrace) {
  std::set<std::string> traces;
  for (uint64_t seed = 1; seed <= kRepeatedSchedules; ++seed) {
    const std::string trace = RunSchedule(GetParam(), seed).ToString();
    EXPECT_EQ(trace, RunSchedule(GetParam(), seed).ToString()) << "seed " << seed;
    traces.insert(trace);
  }
  EXPECT_EQ(traces.size(), kRepeatedSchedules) << "another seed makes another trace";
}

INSTANTIATE_TEST_SUITE_P(AllSubjects, SimulationTest, testing::ValuesIn(AllSubjects()),
                         [](const testing::TestParamInfo<Subject>& info) {
                           std::string name = info.param.name;
                           for (char& letter : name) letter = letter == '-' ? '_' : letter;
                           return name;
                         });

// A mistake, and the words by which the simulation reports it.
struct Finding {
  const char* name;
  Mistake mistake;
  const char* words;
  Way way = Way::kPoll;
};

// A driver that misses input goes on for as long as the peer is patient, or ends the connection for the silence.
constexpr char kIsStuck[] =
    "waits for ever|not ended|not rung|neither silent nor slow|a peer that keeps to the rules was";

void RunMany(const Subject& subject, uint64_t schedules = 200) {
  for (uint64_t seed = 1; seed <= schedules; ++seed) RunSchedule(subject, seed);
}

class EveryMistakeTest : public testing::TestWithParam<Finding> {};

TEST(MistakeTest, DriverWithoutAMistakeEndsWell) {
  for (const Way way : {Way::kPoll, Way::kSignals, Way::kRing}) {
    RunMany(MistakenModel(Mistake::kNone, way), kKnownSchedules);
  }
}

TEST_P(EveryMistakeTest, IsFound) {
  EXPECT_EXIT(RunMany(MistakenModel(GetParam().mistake, GetParam().way)), testing::ExitedWithCode(kFailureStatus),
              GetParam().words);
}

INSTANTIATE_TEST_SUITE_P(
    AllMistakes, EveryMistakeTest,
    testing::Values(Finding{"LosesInput", Mistake::kLosesInput,
                            "shown (what the peer has not sent|the end before all)"},
                    Finding{"SwapsInput", Mistake::kSwapsInput, "shown what the peer has not sent"},
                    Finding{"LosesOutput", Mistake::kLosesOutput, "got what the session has not written"},
                    Finding{"RepeatsOutput", Mistake::kRepeatsOutput, "got what the session has not written"},
                    Finding{"SendsBehindEnd", Mistake::kSendsBehindEnd, "sends behind its shutdown"},
                    Finding{"ShowsEndEarly", Mistake::kShowsEndEarly, "shown (an|the) end"},
                    Finding{"ClosesTwice", Mistake::kClosesTwice, "which is not open"},
                    Finding{"NeverCloses", Mistake::kNeverCloses, "not closed|waits for ever|not ended"},
                    Finding{"CountsEndTwice", Mistake::kCountsEndTwice, "counted wrongly"},
                    Finding{"NeverCountsEnd", Mistake::kNeverCountsEnd, "counted wrongly"},
                    Finding{"KeepsSession", Mistake::kKeepsSession, "its session was left behind"},
                    Finding{"Sleeps", Mistake::kSleeps, "waits for ever|not ended|not rung"},
                    Finding{"Spins", Mistake::kSpins, "makes call after call"},
                    Finding{"IgnoresSilence", Mistake::kIgnoresSilence, "waits for ever|not ended|not rung"},
                    Finding{"EndsEarly", Mistake::kEndsEarly, "neither silent nor slow for long enough"},
                    Finding{"RingsEarly", Mistake::kRingsEarly, "timer has rung early"},
                    Finding{"NeverRings", Mistake::kNeverRings, "timer has not rung in time"},
                    Finding{"DoesNotLinger", Mistake::kDoesNotLinger, "has not lingered for long enough"},
                    Finding{"LingersForEver", Mistake::kLingersForEver, "lingers for too long|waits for ever"},
                    Finding{"ResetsGoodPeers", Mistake::kResetsGoodPeers, "a peer that keeps to the rules was"},
                    Finding{"IgnoresOverflow", Mistake::kIgnoresOverflow, kIsStuck, Way::kSignals},
                    Finding{"MissesFirstInput", Mistake::kMissesFirstInput, kIsStuck, Way::kSignals},
                    Finding{"ReadsOncePerSignal", Mistake::kReadsOncePerSignal, kIsStuck, Way::kSignals},
                    Finding{"NeverRearms", Mistake::kNeverRearms, kIsStuck, Way::kRing},
                    Finding{"NeverLendsAgain", Mistake::kNeverLendsAgain, "makes call after call", Way::kRing},
                    Finding{"LendsEarly", Mistake::kLendsEarly, "shown what the peer has not sent", Way::kRing},
                    Finding{"ClosesUnderWay", Mistake::kClosesUnderWay, "is closed while the ring uses it", Way::kRing},
                    Finding{"ReusesLent", Mistake::kReusesLent, "memory was changed while it was lent", Way::kRing},
                    Finding{"AsksEarly", Mistake::kAsksEarly, "is asked before all is sent"},
                    Finding{"AsksForEver", Mistake::kAsksForEver, "waits for ever"},
                    Finding{"MissesReply", Mistake::kMissesReply, "told too late|over, and there was an answer"},
                    Finding{"ShowsMeanwhile", Mistake::kShowsMeanwhile, "shown input before its task"}),
    [](const testing::TestParamInfo<Finding>& info) { return std::string(info.param.name); });

// The driver without a mistake knows no least rate.
TEST(MistakeTest, DriverThatIgnoresTheLeastRateIsFound) {
  Subject subject = MistakenModel(Mistake::kNone);
  subject.has_least_rate = true;
  EXPECT_EXIT(RunMany(subject), testing::ExitedWithCode(kFailureStatus), "far below the least rate");
}

TEST(MistakeTest, FailureNamesItsSeedAndShowsItsSteps) {
  EXPECT_EXIT(RunMany(MistakenModel(Mistake::kLosesOutput)), testing::ExitedWithCode(kFailureStatus),
              "send.*\n.*FAILED: client.*\nrepeat it: --model=mistaken --first_seed=[0-9]+ --schedules=1\n");
}

}  // namespace
}  // namespace polyserve::simulation
