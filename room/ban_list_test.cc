// Bans: for how long they hold, which addresses are one, and how many there may be.
#include "room/ban_list.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

TEST(BanListTest, BanHoldsUntilItsTime) {
  BanList bans;
  EXPECT_TRUE(bans.empty());
  ASSERT_TRUE(bans.Add("n bob", "'bob'", kStart + absl::Minutes(2), kStart).ok());
  EXPECT_FALSE(bans.empty());
  EXPECT_EQ(bans.Left("n bob", kStart), absl::Minutes(2));
  EXPECT_EQ(bans.Left("n carl", kStart), absl::ZeroDuration());
  EXPECT_EQ(bans.List(kStart + absl::Seconds(70)), std::vector<std::string>{"'bob' for 1 more minute"});
  EXPECT_EQ(bans.Left("n bob", kStart + absl::Minutes(2)), absl::ZeroDuration());
  EXPECT_TRUE(bans.List(kStart + absl::Minutes(2)).empty());
  EXPECT_FALSE(bans.Remove("n bob", kStart + absl::Minutes(2)));
}

TEST(BanListTest, BanIsRemovedOrReplaced) {
  BanList bans;
  ASSERT_TRUE(bans.Add("n bob", "'bob'", kStart + absl::Minutes(2), kStart).ok());
  ASSERT_TRUE(bans.Add("n bob", "'bob'", kStart + absl::Minutes(60), kStart).ok());
  EXPECT_EQ(bans.List(kStart), std::vector<std::string>{"'bob' for 60 more minutes"});
  EXPECT_TRUE(bans.Remove("n bob", kStart));
  EXPECT_FALSE(bans.Remove("n bob", kStart));
  EXPECT_TRUE(bans.empty());
}

TEST(BanListTest, ThereIsRoomForSoManyThatHold) {
  BanList bans;
  for (size_t i = 0; i < BanList::kMaxBans; ++i) {
    ASSERT_TRUE(bans.Add(absl::StrCat("n ", i), absl::StrCat(i), kStart + absl::Minutes(1), kStart).ok());
  }
  EXPECT_TRUE(absl::IsResourceExhausted(bans.Add("n bob", "'bob'", kStart + absl::Minutes(9), kStart)));
  EXPECT_TRUE(bans.Add("n 7", "7", kStart + absl::Minutes(9), kStart).ok()) << "it is there already";
  const absl::Time later = kStart + absl::Minutes(1);
  EXPECT_TRUE(bans.Add("n bob", "'bob'", later + absl::Minutes(9), later).ok()) << "the others have expired";
  EXPECT_EQ(bans.List(later).size(), 2u);
}

TEST(BanListTest, AddressesOfOneCustomerAreOne) {
  EXPECT_EQ(AddressBanKey("2001:db8:1:2:3:4:5:6"), AddressBanKey("2001:0db8:1:2::"));
  EXPECT_NE(AddressBanKey("2001:db8:1:2::1"), AddressBanKey("2001:db8:1:3::1"));
  EXPECT_EQ(AddressBanKey("fe80::1%eth0"), AddressBanKey("fe80::2"));
  EXPECT_NE(AddressBanKey("192.0.2.7"), AddressBanKey("192.0.2.8"));
  EXPECT_EQ(AddressBanKey("::ffff:192.0.2.7"), AddressBanKey("192.0.2.7"));
  for (const char* text : {"", "-", "bob", "192.0.2", "192.0.2.7:80", "::g"})
    EXPECT_EQ(AddressBanKey(text), "") << text;
  EXPECT_NE(NameBanKey("192.0.2.7"), AddressBanKey("192.0.2.7"));
}

}  // namespace
}  // namespace polyserve
