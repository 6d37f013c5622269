#include "base/ip_address.h"

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

std::string Written(absl::string_view text) {
  const std::optional<IpAddress> address = IpAddress::Parse(text);
  return address.has_value() ? address->ToString() : "none";
}

TEST(IpAddressTest, AddressHasOneForm) {
  EXPECT_EQ(Written("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(Written("2001:DB8:0:0::1"), "2001:db8::1");
  EXPECT_EQ(Written("::"), "::");
  EXPECT_EQ(Written("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(Written("::ffff:c000:201"), "192.0.2.1");
  EXPECT_EQ(IpAddress::Parse("::ffff:192.0.2.1"), IpAddress::Parse("192.0.2.1"));
}

TEST(IpAddressTest, TextThatIsNoAddressIsNone) {
  for (const absl::string_view text :
       {"", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "[::1]", "::1%lo", "1::2::3", "localhost", "12345::"}) {
    EXPECT_EQ(Written(text), "none") << text;
  }
  EXPECT_EQ(Written(absl::string_view("1.2.3.4\0x", 9)), "none");
}

TEST(IpAddressTest, BytesAreThoseOfTheNetwork) {
  const IpAddress v4 = IpAddress::FromBytes(absl::string_view("\xc0\x00\x02\x01", 4));
  EXPECT_EQ(v4.ToString(), "192.0.2.1");
  EXPECT_TRUE(v4.is_v4());
  EXPECT_EQ(v4.bytes().back(), 1);
  const IpAddress v6 = IpAddress::FromBytes("0123456789abcdef");
  EXPECT_EQ(v6.ToString(), "3031:3233:3435:3637:3839:6162:6364:6566");
  EXPECT_FALSE(v6.is_v4());
}

TEST(IpAddressTest, PortStandsBehindBracketsOfIpv6) {
  EXPECT_EQ((AddressPort{*IpAddress::Parse("192.0.2.1"), 80}.ToString()), "192.0.2.1:80");
  EXPECT_EQ((AddressPort{*IpAddress::Parse("2001:db8::1"), 65535}.ToString()), "[2001:db8::1]:65535");
}

}  // namespace

}  // namespace polyserve
