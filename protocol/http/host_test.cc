// HttpHost and HttpAllowedHosts: which texts are hosts, and which hosts the server answers for.
#include "protocol/http/host.h"

#include <string>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(HttpHostTest, TakesAHostApart) {
  const struct {
    absl::string_view text, name, port;
    bool is_address;
  } kCases[] = {
      {"", "", "", false},
      {"example.org", "example.org", "", false},
      {"example.org:80", "example.org", "80", false},
      {"example.org:", "example.org", "", false},
      {"x:65535", "x", "65535", false},
      {"x:00080", "x", "00080", false},
      {"a_b-c.~d", "a_b-c.~d", "", false},
      {"b%C3%BCcher.example", "b%C3%BCcher.example", "", false},
      {"127.0.0.1:8080", "127.0.0.1", "8080", true},
      {"127.0.0.256", "127.0.0.256", "", false},
      {"127.0.0.01", "127.0.0.01", "", false},
      {"[::1]", "[::1]", "", true},
      {"[::1]:8080", "[::1]", "8080", true},
      {"[::]", "[::]", "", true},
      {"[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]", "", true},
      {"[2001:DB8::a]:1", "[2001:DB8::a]", "1", true},
      {"[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", "", true},
      {"[1:2:3:4:5:6:127.0.0.1]", "[1:2:3:4:5:6:127.0.0.1]", "", true},
      {"[v1.a:b]", "[v1.a:b]", "", true},
  };
  for (const auto& one : kCases) {
    const std::optional<HttpHost> host = ParseHttpHost(one.text);
    ASSERT_TRUE(host.has_value()) << one.text;
    EXPECT_EQ(host->name, one.name);
    EXPECT_EQ(host->port, one.port);
    EXPECT_EQ(host->is_address, one.is_address) << one.text;
  }
}

TEST(HttpHostTest, RefusesWhatIsMalformed) {
  for (absl::string_view text : {"h:80x",
                                 "h:x",
                                 "h:-1",
                                 "h:+80",
                                 "h:65536",
                                 "h:999999",
                                 "h:80:80",
                                 "h::80",
                                 ":80",
                                 ":",
                                 "[::1",
                                 "::1",
                                 "[::1]x",
                                 "[::1]80",
                                 "[::1]:x",
                                 "[]",
                                 "[",
                                 "]",
                                 "[::1]]",
                                 "[[::1]]",
                                 "[1:2:3:4:5:6:7]",
                                 "[1:2:3:4:5:6:7:8:9]",
                                 "[1::2::3]",
                                 "[:::]",
                                 "[1:2:3:4:5:6:7::8]",
                                 "[12345::]",
                                 "[g::]",
                                 "[1.2.3.4::]",
                                 "[::1.2.3]",
                                 "[::1.2.3.256]",
                                 "[fe80::1%25eth0]",
                                 "[127.0.0.1]",
                                 "[v.a]",
                                 "[v1.]",
                                 "[v1]",
                                 "[vx.a]",
                                 "a b",
                                 "a,b",
                                 "a/b",
                                 "user@h",
                                 "a?b",
                                 "a#b",
                                 "a\\b",
                                 "a\"b",
                                 "<a>",
                                 "a%",
                                 "a%4",
                                 "a%4g",
                                 "a^b",
                                 "a|b",
                                 "{a}",
                                 "\xc3\xbc",
                                 "http://a"}) {
    EXPECT_FALSE(ParseHttpHost(text).has_value()) << text;
  }
}

TEST(HttpAllowedHostsTest, AllowsAnyUnlessToldOtherwise) {
  EXPECT_TRUE(HttpAllowedHosts().Allow("evil.example"));
  EXPECT_TRUE(HttpAllowedHosts::Parse("*")->Allow("evil.example"));
}

TEST(HttpAllowedHostsTest, AllowsAddressesAndTheNetworksOwnNamesAlways) {
  const HttpAllowedHosts hosts = *HttpAllowedHosts::Parse("");
  for (absl::string_view host : {"", "localhost", "LocalHost:8080", "localhost.", "app.localhost:1", "127.0.0.1",
                                 "127.0.0.1:8080", "192.168.1.5", "[::1]:8080", "web:8080", "x"}) {
    EXPECT_TRUE(hosts.Allow(host)) << host;
  }
  for (absl::string_view host :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", "not.localhost.evil", "localhost..",
        ".localhost.evil", "127.0.0.256", "0x7f.1", "a.b"}) {
    EXPECT_FALSE(hosts.Allow(host)) << host;
  }
}

TEST(HttpAllowedHostsTest, AllowsNamesAndDomains) {
  const HttpAllowedHosts hosts = *HttpAllowedHosts::Parse("example.org,.Example.com,");
  for (absl::string_view host :
       {"example.org", "EXAMPLE.ORG:80", "example.org.", "example.com", "a.b.example.com", "localhost"}) {
    EXPECT_TRUE(hosts.Allow(host)) << host;
  }
  for (absl::string_view host : {"www.example.org", "badexample.com", "example.com.evil", "xample.org"}) {
    EXPECT_FALSE(hosts.Allow(host)) << host;
  }
}

TEST(HttpAllowedHostsTest, RefusesEntriesThatAreNoNames) {
  for (absl::string_view list : {"a b", "http://a", "example.org:80", "a,*.example.org", ".", "a/b", " a", "[::1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(HttpAllowedHosts::Parse(list).status())) << list;
  }
}

}  // namespace
}  // namespace polyserve
