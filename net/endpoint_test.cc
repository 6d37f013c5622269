// Endpoint: what is an address, and what is said of what is none.
#include "net/endpoint.h"

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(EndpointTest, ReadsAndWritesAddresses) {
  for (absl::string_view text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:65535"}) {
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    EXPECT_EQ(endpoint->ToString(), text);
  }
  EXPECT_EQ(Endpoint::Parse("[::1]:80")->family(), AF_INET6);
}

TEST(EndpointTest, RefusesWhatIsNoAddress) {
  for (absl::string_view text : {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1", "127.0.0.1:+1",
                                 "127.0.0.1:65536", "::1:80", "[::1]", "[]:80"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Endpoint::Parse(text).status())) << text;
  }
}

TEST(EndpointTest, IsTheSameBehindWhatKnowsNoSocket) {
  for (absl::string_view text : {"127.0.0.1:8080", "[2001:db8::1]:65535", "[::]:1"}) {
    const Endpoint endpoint = *Endpoint::Parse(text);
    EXPECT_EQ(endpoint.AsAddressPort().ToString(), text);
    EXPECT_EQ(Endpoint(endpoint.AsAddressPort()), endpoint) << text;
  }
  EXPECT_EQ(Endpoint(Endpoint::Parse("[::ffff:192.0.2.1]:80")->AsAddressPort()), *Endpoint::Parse("192.0.2.1:80"));
  EXPECT_EQ(Endpoint(Endpoint::Parse("[fe80::1%1]:80")->AsAddressPort()), *Endpoint::Parse("[fe80::1]:80"));
}

}  // namespace
}  // namespace polyserve
