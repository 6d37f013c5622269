// Sets of addresses: what a list names is in it, and lists that say two things are refused.
#include "access/address_set.h"

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

bool Contains(absl::string_view list, absl::string_view address) {
  const absl::StatusOr<AddressSet> set = AddressSet::Parse(list);
  EXPECT_TRUE(set.ok()) << set.status();
  return set.ok() && set->Contains(address);
}

TEST(AddressSetTest, WithoutAListAllAddressesAreIn) {
  EXPECT_TRUE(AddressSet().Contains("192.0.2.1"));
  EXPECT_TRUE(AddressSet().Contains("-"));
}

TEST(AddressSetTest, AddressIsItself) {
  EXPECT_TRUE(Contains("127.0.0.1,::1", "127.0.0.1"));
  EXPECT_TRUE(Contains("127.0.0.1,::1", "::1"));
  EXPECT_FALSE(Contains("127.0.0.1,::1", "127.0.0.2"));
  EXPECT_FALSE(Contains("127.0.0.1,::1", "::2"));
}

TEST(AddressSetTest, NetworkHasTheAddressesThatBeginAsItDoes) {
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(Contains("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(Contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(Contains("fd00::/8", "fdff::1"));
  EXPECT_FALSE(Contains("fd00::/8", "fe80::1"));
  EXPECT_TRUE(Contains("fe80::/10", "fe80::1%eth0"));
}

TEST(AddressSetTest, FamiliesAreKeptApart) {
  EXPECT_TRUE(Contains("0.0.0.0/0", "192.0.2.1"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(Contains("10.0.0.0/8", "::ffff:10.0.0.1")) << "the same address, as IPv6 writes it";
}

TEST(AddressSetTest, WhatIsNoAddressIsInNoList) {
  EXPECT_FALSE(Contains("0.0.0.0/0,::/0", "-"));
  EXPECT_FALSE(Contains("0.0.0.0/0,::/0", ""));
}

TEST(AddressSetTest, MalformedListsAreRefused) {
  for (const absl::string_view list : {"", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/",
                                       "10.0.0.0/8/8", "10.0.0.1,", "10.0.0.1/8"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(AddressSet::Parse(list).status())) << list;
  }
}

}  // namespace

}  // namespace polyserve
