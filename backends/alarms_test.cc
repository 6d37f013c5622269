// Alarms: who is called, in what order, and who is not.
#include "backends/alarms.h"

#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr absl::Duration kShort = absl::Milliseconds(1);

// Rings what is due until something was appended to the log.
void AwaitRing(Alarms& alarms, const std::string& log) {
  while (log.empty()) alarms.RingDue();
}

TEST(AlarmsTest, RingOnceAndNotBeforeTheirTime) {
  Alarms alarms;
  std::string log;
  Alarm alarm([&log] { log += "a"; });
  const auto begin = Alarm::Clock::now();
  alarms.Set(alarm, kShort);
  AwaitRing(alarms, log);
  EXPECT_GE(absl::FromChrono(Alarm::Clock::now() - begin), kShort);
  EXPECT_FALSE(alarm.is_set());
  alarms.RingDue();
  EXPECT_EQ(log, "a");
  EXPECT_TRUE(alarms.empty());
}

TEST(AlarmsTest, RingInTheOrderOfTheirTimes) {
  Alarms alarms;
  std::string log;
  Alarm late([&log] { log += "late"; });
  Alarm soon([&log] { log += "soon "; });
  alarms.Set(late, 2 * kShort);
  alarms.Set(soon, kShort);
  std::this_thread::sleep_until(alarms.first() + std::chrono::milliseconds(2));
  alarms.RingDue();
  EXPECT_EQ(log, "soon late");
}

TEST(AlarmsTest, SettingAnewReplacesAndForeverCancels) {
  Alarms alarms;
  std::string log;
  Alarm alarm([&log] { log += "a"; });
  alarms.Set(alarm, absl::ZeroDuration());
  alarms.Set(alarm, absl::Hours(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  alarms.RingDue();
  EXPECT_EQ(log, "");
  alarms.Set(alarm, absl::InfiniteDuration());
  EXPECT_TRUE(alarms.empty());
}

TEST(AlarmsTest, WhoIsDestroyedIsNotCalled) {
  Alarms alarms;
  std::string log;
  auto second = std::make_unique<Alarm>([&log] { log += "second"; });
  Alarm first([&] {
    log += "first";
    second = nullptr;
  });
  alarms.Set(first, absl::ZeroDuration());
  alarms.Set(*second, absl::ZeroDuration());
  AwaitRing(alarms, log);
  alarms.RingDue();
  EXPECT_EQ(log, "first");
}

TEST(AlarmsTest, WhoSetsItselfAgainAtOnceDoesNotKeepTheOthersWaiting) {
  Alarms alarms;
  std::string log;
  Alarm again([&] { alarms.Set(again, absl::ZeroDuration()); });
  Alarm other([&log] { log += "other"; });
  alarms.Set(again, absl::ZeroDuration());
  alarms.Set(other, absl::ZeroDuration());
  AwaitRing(alarms, log);
  EXPECT_TRUE(again.is_set());
}

TEST(AlarmsTest, TimesBeyondAllClocksAreLongOnly) {
  Alarms alarms;
  Alarm alarm([] { FAIL(); });
  alarms.Set(alarm, absl::Hours(1e12));
  alarms.RingDue();
  EXPECT_TRUE(alarm.is_set());
}

}  // namespace
}  // namespace polyserve
