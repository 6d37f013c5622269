// What an address may have of a server, and that refusals are counted.
#include "access/address_limits.h"

#include <memory>

#include "absl/strings/string_view.h"
#include "access/address_places.h"
#include "base/bound_counters.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

constexpr absl::string_view kAddress = "192.0.2.1";

class AddressLimitsTest : public testing::Test {
 protected:
  void SetUp() override { AddressLimits::Prepare(*table_); }
  AddressLimits Limits(const AddressLimits::Options& options) { return AddressLimits(options, *table_, counters_); }

  const std::unique_ptr<AddressLimits::Table> table_ = std::make_unique<AddressLimits::Table>();
  BoundCounters counters_ = {};
};

TEST_F(AddressLimitsTest, WithoutLimitsNothingIsCountedOrRefused) {
  const AddressLimits limits = Limits({});
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(limits.TakeRequest(kAddress));
  EXPECT_FALSE(limits.Enter(kAddress).is_refused());
  EXPECT_FALSE(AddressLimits::Options().any());
}

TEST_F(AddressLimitsTest, ConnectionsAreHeldToTheirNumber) {
  const AddressLimits limits = Limits({.connections = 1});
  const AddressPlaces::Place place = limits.Enter(kAddress);
  EXPECT_FALSE(place.is_refused());
  EXPECT_TRUE(limits.Enter(kAddress).is_refused());
  EXPECT_FALSE(limits.Enter("192.0.2.2").is_refused());
  EXPECT_EQ(counters_.max_connections_per_address, 1);
}

TEST_F(AddressLimitsTest, NetworkOfIpv6IsOneAddress) {
  const AddressLimits limits = Limits({.connections = 1});
  const AddressPlaces::Place place = limits.Enter("2001:db8:0:1::1");
  EXPECT_TRUE(limits.Enter("2001:db8:0:1:ffff::2").is_refused());
  EXPECT_FALSE(limits.Enter("2001:db8:0:2::1").is_refused());
}

// One a second and no more: however slow this machine is, the second one comes too early only if it is not.
TEST_F(AddressLimitsTest, RequestsBeyondTheRateAreRefusedAndCounted) {
  constexpr int kAsked = 1000;
  const AddressLimits limits = Limits({.requests_per_second = 1});
  int granted = 0;
  for (int i = 0; i < kAsked; ++i) granted += limits.TakeRequest(kAddress) ? 1 : 0;
  EXPECT_GE(granted, 1);
  EXPECT_LT(granted, kAsked);
  EXPECT_EQ(counters_.rate_per_address, kAsked - granted);
  EXPECT_TRUE(limits.TakeRequest("192.0.2.2"));
}

}  // namespace

}  // namespace polyserve
