#include "backends/accept/admission.h"

#include <poll.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "backends/accept/connection_limit.h"
#include "gtest/gtest.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

using Overload = ConnectionLimit::Overload;

class AdmissionTest : public testing::Test {
 protected:
  void Limit(int64_t most, Overload overload) {
    absl::StatusOr<std::unique_ptr<ConnectionLimit>> limit =
        ConnectionLimit::Create(context_.statistics, most, overload);
    ASSERT_TRUE(limit.ok());
    context_.connection_limit = *std::move(limit);
  }

  void EndOne() { CountEnd(context_.statistics.counters(), context_.connection_limit.get()); }
  int64_t active() { return context_.statistics.Total().active(); }

  static bool IsReadable(int fd) {
    pollfd wait = {fd, POLLIN, 0};
    return ::poll(&wait, 1, 0) == 1;
  }

  ServerContext context_{{}, absl::InfiniteDuration(), *Statistics::Create()};
  Listener listener_{"echo", UniqueFd(), nullptr};
};

TEST_F(AdmissionTest, WithoutALimitClientsAreOnlyCounted) {
  Admission admission(context_);
  EXPECT_FALSE(admission.reserves());
  EXPECT_TRUE(admission.Reserve(listener_).ok());
  EXPECT_EQ(active(), 0);
  EXPECT_TRUE(admission.Enter(listener_));
  EXPECT_EQ(active(), 1);
  EXPECT_EQ(admission.capacity_fd(), -1);
}

TEST_F(AdmissionTest, PlaceIsReservedBeforeTheClientIsAccepted) {
  Limit(1, Overload::kWait);
  Admission admission(context_);
  EXPECT_TRUE(admission.reserves());
  EXPECT_TRUE(admission.Reserve(listener_).ok());
  EXPECT_EQ(active(), 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(admission.Reserve(listener_)));
  EXPECT_TRUE(admission.awaits_capacity());
}

TEST_F(AdmissionTest, EndOfAConnectionMakesItReadable) {
  Limit(1, Overload::kWait);
  Admission admission(context_);
  ASSERT_TRUE(admission.Reserve(listener_).ok());
  ASSERT_FALSE(admission.Reserve(listener_).ok());
  EXPECT_FALSE(IsReadable(admission.capacity_fd()));
  EndOne();
  EXPECT_TRUE(IsReadable(admission.capacity_fd()));
  admission.TakeCapacityEvent();
  EXPECT_FALSE(admission.awaits_capacity());
  EXPECT_FALSE(IsReadable(admission.capacity_fd()));
  EXPECT_TRUE(admission.Reserve(listener_).ok());
}

TEST_F(AdmissionTest, AllAcceptorsThatWaitLearnOfTheSamePlace) {
  Limit(1, Overload::kWait);
  Admission one(context_), other(context_);
  ASSERT_TRUE(one.Reserve(listener_).ok());
  ASSERT_FALSE(one.Reserve(listener_).ok());
  ASSERT_FALSE(other.Reserve(listener_).ok());
  EndOne();
  one.TakeCapacityEvent();
  EXPECT_TRUE(IsReadable(other.capacity_fd()));
}

TEST_F(AdmissionTest, WithdrawnPlaceIsFreeAgain) {
  Limit(1, Overload::kWait);
  Admission admission(context_);
  ASSERT_TRUE(admission.Reserve(listener_).ok());
  admission.Withdraw(listener_);
  EXPECT_EQ(active(), 0);
  EXPECT_TRUE(admission.Reserve(listener_).ok());
}

TEST_F(AdmissionTest, WhoIsOneTooManyIsNotLetInWhereClientsAreRefused) {
  Limit(1, Overload::kRefuse);
  Admission admission(context_);
  EXPECT_FALSE(admission.reserves());
  EXPECT_TRUE(admission.Reserve(listener_).ok());  // Nothing is to be reserved.
  EXPECT_TRUE(admission.Enter(listener_));
  EXPECT_FALSE(admission.Enter(listener_));
  admission.CountRefused(listener_);
  EXPECT_EQ(active(), 1);
  EXPECT_EQ(context_.statistics.Total().refused, 1);
}

}  // namespace

}  // namespace polyserve
