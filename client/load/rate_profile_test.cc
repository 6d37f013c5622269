// RateProfile: its integral, the inverse of that, and what a file may say. All of it is arithmetic: no clock is read.
#include "client/load/rate_profile.h"

#include <cstdint>
#include <sstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

RateProfile Of(const std::string& text) {
  std::istringstream file(text);
  absl::StatusOr<RateProfile> profile = RateProfile::Parse(file);
  EXPECT_TRUE(profile.ok()) << profile.status();
  return profile.ok() ? *std::move(profile) : RateProfile::Constant(1);
}

absl::Status ErrorOf(const std::string& text) {
  std::istringstream file(text);
  return RateProfile::Parse(file).status();
}

// Each request is due when its predecessors are, by the integral of the rate.
void ExpectInverse(const RateProfile& profile, int count) {
  for (int n = 0; n < count; ++n) {
    const int64_t time = profile.TimeOf(n);
    // Within what a nanosecond of the highest rate makes.
    EXPECT_NEAR(profile.Expected(time), n, 2 * profile.peak() / kSecond) << n;
  }
}

TEST(RateProfileTest, ConstantRateHasEqualIntervalsForEver) {
  const RateProfile profile = RateProfile::Constant(3);
  EXPECT_EQ(profile.TimeOf(0), 0);
  EXPECT_EQ(profile.TimeOf(1), 333'333'333);
  EXPECT_EQ(profile.TimeOf(2), 666'666'667);
  EXPECT_EQ(profile.TimeOf(3), kSecond);
  EXPECT_EQ(profile.TimeOf(3e9), kSecond * kSecond);
  EXPECT_EQ(profile.Expected(7 * kSecond), 21);
  EXPECT_EQ(profile.duration(), absl::InfiniteDuration());
}

TEST(RateProfileTest, RequestBeyondAllClocksIsNeverDue) {
  EXPECT_EQ(RateProfile::Constant(1e-12).TimeOf(1), RateProfile::kNever);
}

// From 0 to 200 in 10 s, 10 t^2 requests are due after t seconds.
TEST(RateProfileTest, RampHasTheSquareRootOfItsCount) {
  const RateProfile profile = RateProfile::Ramp(0, 200, absl::Seconds(10));
  EXPECT_EQ(profile.total(), 1000);
  EXPECT_EQ(profile.TimeOf(0), 0);
  EXPECT_EQ(profile.TimeOf(10), kSecond);
  EXPECT_EQ(profile.TimeOf(250), 5 * kSecond);
  EXPECT_EQ(profile.TimeOf(999), 9'994'998'749);  // 10 * sqrt(0.999)
  EXPECT_EQ(profile.TimeOf(1000), RateProfile::kNever);
  EXPECT_DOUBLE_EQ(profile.Expected(3 * kSecond), 90);
  ExpectInverse(profile, 1000);
}

TEST(RateProfileTest, RampMayFall) {
  const RateProfile profile = RateProfile::Ramp(200, 0, absl::Seconds(10));
  EXPECT_EQ(profile.total(), 1000);
  EXPECT_EQ(profile.TimeOf(750), 5 * kSecond);
  EXPECT_EQ(profile.TimeOf(990), 9 * kSecond);
  ExpectInverse(profile, 1000);
}

// A formula that subtracts two nearly equal numbers would lose the digits that count here.
TEST(RateProfileTest, RampThatIsNearlyFlatIsExact) {
  const RateProfile profile = RateProfile::Ramp(1000, 1000.0000001, absl::Hours(1));
  EXPECT_NEAR(static_cast<double>(profile.TimeOf(1'800'000)), 1800e9, 100);
  ExpectInverse(profile, 2000);
}

TEST(RateProfileTest, PhasesFollowEachOther) {
  const RateProfile profile =
      Of("# A comment, and a blank line.\n"
         "\n"
         "2s 10      # a step\n"
         "4s 10:30   # a ramp\n"
         "1000ms 5\n");
  EXPECT_EQ(profile.duration(), absl::Seconds(7));
  EXPECT_EQ(profile.total(), 20 + 80 + 5);
  EXPECT_EQ(profile.first(), 10);
  EXPECT_EQ(profile.last(), 5);
  EXPECT_EQ(profile.peak(), 30);
  EXPECT_EQ(profile.TimeOf(19), 1'900'000'000);
  EXPECT_EQ(profile.TimeOf(20), 2 * kSecond);
  EXPECT_EQ(profile.TimeOf(100), 6 * kSecond);
  EXPECT_EQ(profile.TimeOf(104), 6'800'000'000);
  EXPECT_EQ(profile.TimeOf(105), RateProfile::kNever);
  EXPECT_DOUBLE_EQ(profile.Expected(4 * kSecond), 50);
  EXPECT_DOUBLE_EQ(profile.Expected(9 * kSecond), 105);
  ExpectInverse(profile, 105);
}

TEST(RateProfileTest, NothingIsDueInAPause) {
  const RateProfile profile = Of("1s 2\n3s 0\n1s 2\n");
  EXPECT_EQ(profile.TimeOf(1), kSecond / 2);
  EXPECT_EQ(profile.TimeOf(2), 4 * kSecond);  // And not at the end of the first phase.
  EXPECT_EQ(profile.Expected(3 * kSecond), 2);
}

TEST(RateProfileTest, BurstIsDueAtOnce) {
  const RateProfile profile = Of("1s 10\nburst 3\n1s 10\n");
  EXPECT_EQ(profile.total(), 23);
  EXPECT_EQ(profile.peak(), 10);
  for (const int count : {10, 11, 12, 13}) EXPECT_EQ(profile.TimeOf(count), kSecond) << count;
  EXPECT_EQ(profile.TimeOf(14), 1'100'000'000);
  EXPECT_EQ(profile.Expected(kSecond), 10);
  EXPECT_EQ(profile.Expected(kSecond + 1), 13 + 1e-8);
}

TEST(RateProfileTest, BurstMayBeTheFirstOfAllAndHaveAPauseBehindIt) {
  const RateProfile profile = Of("burst 2\n1s 0\nburst 1\n1s 0\n");
  EXPECT_EQ(profile.TimeOf(1), 0);
  EXPECT_EQ(profile.TimeOf(2), kSecond);
  EXPECT_EQ(profile.first(), 0);
}

// Counting is over when it is due, so none of its requests would be sent.
TEST(RateProfileTest, BurstMayNotBeTheLastOfAll) {
  const absl::Status error = ErrorOf("1s 10\nburst 1\n");
  EXPECT_TRUE(absl::IsInvalidArgument(error)) << error;
  EXPECT_TRUE(absl::StrContains(error.message(), "ends with a burst")) << error;
}

TEST(RateProfileTest, MostWithinATimeHasTheBurstsThatComeTogether) {
  const RateProfile profile = Of("burst 1\n2s 10\nburst 50\n1s 0\nburst 30\nburst 3\n5s 10:20\nburst 60\n9s 0\n");
  EXPECT_EQ(profile.MostWithin(absl::Milliseconds(500)), 10 + 60);
  EXPECT_EQ(profile.MostWithin(absl::Seconds(1)), 20 + 83);
  EXPECT_EQ(profile.MostWithin(absl::Seconds(5)), 100 + 93);
  EXPECT_EQ(profile.MostWithin(absl::Hours(1)), profile.total());
  EXPECT_EQ(RateProfile::Constant(7).MostWithin(absl::Seconds(3)), 21);
}

// The pace goes on over the end of the warm-up: the interval there is one of the others, even if neither ends with a
// whole request.
TEST(RateProfileTest, WarmUpHandsItsPaceOver) {
  const RateProfile profile = Of("10s 4\n10s 8\n").WithWarmUp(absl::Milliseconds(1100));
  EXPECT_EQ(profile.TimeOf(4), kSecond);
  EXPECT_EQ(profile.TimeOf(5), 1'250'000'000);
  EXPECT_DOUBLE_EQ(profile.Expected(1'100'000'000), 4.4);
  EXPECT_EQ(profile.duration(), absl::Milliseconds(21'100));
  EXPECT_EQ(RateProfile::Constant(4).WithWarmUp(absl::Seconds(1)).TimeOf(400), 100 * kSecond);
}

TEST(RateProfileTest, RampFromNothingHasAWarmUpOfNothing) {
  const RateProfile profile = RateProfile::Ramp(0, 200, absl::Seconds(10)).WithWarmUp(absl::Seconds(2));
  EXPECT_EQ(profile.Expected(2 * kSecond), 0);
  EXPECT_EQ(profile.TimeOf(10), 3 * kSecond);
}

TEST(RateProfileTest, LineThatMakesNoSenseIsNamed) {
  for (const char* line : {"10s", "10s 5 6", "soon 5", "10s fast", "10s -5", "10s nan", "10s 1:2:3", "10s 1:", "0s 5",
                           "inf 5", "25h 5", "-1s 5", "burst", "burst 0", "burst 1.5", "burst -1", "10s 1e9"}) {
    const absl::Status error = ErrorOf(std::string("1s 1\n") + line + "\n");
    EXPECT_TRUE(absl::IsInvalidArgument(error)) << line << ": " << error;
    EXPECT_TRUE(absl::StartsWith(error.message(), "line 2: ")) << error;
  }
}

TEST(RateProfileTest, ProfileOfNothingIsRefused) {
  for (const char* text : {"", "# nothing\n", "burst 5\n", "10s 0\n", "1us 1000000\n", "20h 1\n20h 1\n"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ErrorOf(text))) << text << ": " << ErrorOf(text);
  }
}

TEST(RateProfileTest, RatesOfAFlag) {
  EXPECT_EQ(*ParseRates("2000"), std::pair(2000.0, 2000.0));
  EXPECT_EQ(*ParseRates("0:5e3"), std::pair(0.0, 5000.0));
  EXPECT_EQ(*ParseRates("0"), std::pair(0.0, 0.0));
  for (const char* text : {"", "x", "-1", "nan", "inf", "1:", ":1", "1:2:3", "1:-2", "1e9"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseRates(text).status())) << text;
  }
}

TEST(RateProfileTest, FileThatIsMissingIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(ReadRateProfile("/nonexistent").status()));
}

}  // namespace
}  // namespace polyserve
