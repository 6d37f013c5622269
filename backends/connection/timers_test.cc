// Timers: who is called, in what order, and who is not.
#include "backends/connection/timers.h"

#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr absl::Duration kShort = absl::Milliseconds(1);

// Rings what is due until something was appended to the log.
void AwaitRing(Timers& timers, const std::string& log) {
  while (log.empty()) timers.RingDue();
}

TEST(TimersTest, RingOnceAndNotBeforeTheirTime) {
  Timers timers;
  std::string log;
  Timer timer([&log] { log += "a"; });
  const auto begin = Timer::Clock::now();
  timers.Set(timer, kShort);
  AwaitRing(timers, log);
  EXPECT_GE(absl::FromChrono(Timer::Clock::now() - begin), kShort);
  EXPECT_FALSE(timer.is_set());
  timers.RingDue();
  EXPECT_EQ(log, "a");
  EXPECT_TRUE(timers.empty());
}

TEST(TimersTest, RingInTheOrderOfTheirTimes) {
  Timers timers;
  std::string log;
  Timer late([&log] { log += "late"; });
  Timer soon([&log] { log += "soon "; });
  timers.Set(late, 2 * kShort);
  timers.Set(soon, kShort);
  std::this_thread::sleep_until(timers.first() + std::chrono::milliseconds(2));
  timers.RingDue();
  EXPECT_EQ(log, "soon late");
}

TEST(TimersTest, SettingAnewReplacesAndForeverCancels) {
  Timers timers;
  std::string log;
  Timer timer([&log] { log += "a"; });
  timers.Set(timer, absl::ZeroDuration());
  timers.Set(timer, absl::Hours(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  timers.RingDue();
  EXPECT_EQ(log, "");
  timers.Set(timer, absl::InfiniteDuration());
  EXPECT_TRUE(timers.empty());
}

TEST(TimersTest, WhoIsDestroyedIsNotCalled) {
  Timers timers;
  std::string log;
  auto second = std::make_unique<Timer>([&log] { log += "second"; });
  Timer first([&] {
    log += "first";
    second = nullptr;
  });
  timers.Set(first, absl::ZeroDuration());
  timers.Set(*second, absl::ZeroDuration());
  AwaitRing(timers, log);
  timers.RingDue();
  EXPECT_EQ(log, "first");
}

TEST(TimersTest, WhoSetsItselfAgainAtOnceDoesNotKeepTheOthersWaiting) {
  Timers timers;
  std::string log;
  Timer again([&] { timers.Set(again, absl::ZeroDuration()); });
  Timer other([&log] { log += "other"; });
  timers.Set(again, absl::ZeroDuration());
  timers.Set(other, absl::ZeroDuration());
  AwaitRing(timers, log);
  EXPECT_TRUE(again.is_set());
}

TEST(TimersTest, TimesBeyondAllClocksAreLongOnly) {
  Timers timers;
  Timer timer([] { FAIL(); });
  timers.Set(timer, absl::Hours(1e12));
  timers.RingDue();
  EXPECT_TRUE(timer.is_set());
}

}  // namespace
}  // namespace polyserve
