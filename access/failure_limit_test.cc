// The limit of failures: how many attempts an address has, and that others do not suffer for it.
#include "access/failure_limit.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/keyed_hash.h"
#include "access/token_buckets.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

using Answer = FailureLimit::Answer;

constexpr int kPerMinute = 6;  // One in ten seconds.
constexpr absl::Duration kNow = absl::Hours(1);
// Later than an attempt that began at kNow can be under way.
const absl::Duration kLater = kNow + absl::Seconds(2);

class FailureLimitTest : public testing::Test {
 protected:
  // How many attempts the address has at this moment.
  int CountAttempts(absl::string_view address, absl::Duration now) const {
    int count = 0;
    while (count < 100 && limit_.Take(address, now) == Answer::kGo) ++count;
    return count;
  }

  const std::unique_ptr<FailureLimit::Table> table_ = std::make_unique<FailureLimit::Table>();
  const HashKey key_ = NewHashKey();
  const FailureLimit limit_{*table_, key_, kPerMinute};
};

TEST_F(FailureLimitTest, AddressHasItsAttemptsAndNoMore) {
  EXPECT_EQ(CountAttempts("192.0.2.1", kNow), kPerMinute);
  EXPECT_EQ(limit_.Take("192.0.2.1", kLater), Answer::kTooMany);
}

TEST_F(FailureLimitTest, AttemptsComeBackOneByOne) {
  CountAttempts("192.0.2.1", kNow);
  EXPECT_EQ(CountAttempts("192.0.2.1", kNow + absl::Seconds(9)), 0);
  EXPECT_EQ(CountAttempts("192.0.2.1", kNow + absl::Seconds(10)), 1);
  EXPECT_EQ(CountAttempts("192.0.2.1", kNow + absl::Seconds(30)), 2);
  EXPECT_EQ(CountAttempts("192.0.2.1", kNow + absl::Hours(1)), kPerMinute) << "no more than a full bucket";
}

TEST_F(FailureLimitTest, AttemptThatWasRightCostsNothing) {
  for (int i = 0; i < 10 * kPerMinute; ++i) {
    ASSERT_EQ(limit_.Take("192.0.2.1", kNow), Answer::kGo);
    limit_.GiveBack("192.0.2.1");
  }
  EXPECT_EQ(CountAttempts("192.0.2.1", kNow), kPerMinute);
}

TEST_F(FailureLimitTest, WhileAnAttemptMayBeUnderWayTheNextHasToWait) {
  CountAttempts("192.0.2.1", kNow);
  EXPECT_EQ(limit_.Take("192.0.2.1", kNow), Answer::kSoon);
  limit_.GiveBack("192.0.2.1");
  EXPECT_EQ(limit_.Take("192.0.2.1", kNow), Answer::kGo);
}

TEST_F(FailureLimitTest, AddressesDoNotSufferForEachOther) {
  CountAttempts("192.0.2.1", kNow);
  EXPECT_EQ(CountAttempts("192.0.2.2", kNow), kPerMinute);
}

TEST_F(FailureLimitTest, NetworkOfIpv6IsOneAddress) {
  CountAttempts("2001:db8:0:1::1", kNow);
  EXPECT_EQ(limit_.Take("2001:db8:0:1:ffff::2", kLater), Answer::kTooMany);
  EXPECT_EQ(limit_.Take("2001:db8:0:2::1", kLater), Answer::kGo);
}

TEST_F(FailureLimitTest, OtherHandlesSeeTheSame) {
  CountAttempts("192.0.2.1", kNow);
  EXPECT_EQ(FailureLimit(*table_, key_, kPerMinute).Take("192.0.2.1", kLater), Answer::kTooMany);
}

TEST_F(FailureLimitTest, FloodOfAddressesDoesNotFreeOneThatHasFailedMost) {
  CountAttempts("192.0.2.1", kNow);
  for (int i = 0; i < TokenBuckets::kMaxAddresses; ++i) limit_.Take(absl::StrCat("198.51.100.", i), kNow);
  EXPECT_NE(limit_.Take("192.0.2.1", kLater), Answer::kGo);
}

TEST_F(FailureLimitTest, WithoutALimitAllMayTry) {
  const FailureLimit none(*table_, key_, 0);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(none.Take("192.0.2.1", kNow), Answer::kGo);
  none.GiveBack("192.0.2.1");
}

}  // namespace

}  // namespace polyserve
