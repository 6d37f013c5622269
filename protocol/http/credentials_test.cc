// http: what the field Authorization says.
#include "protocol/http/credentials.h"

#include <optional>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

// "NAME|SECRET"; "(none)" if the field says nothing about the sender.
std::string Parse(absl::string_view field) {
  const std::optional<HttpCredentials> credentials = ParseHttpCredentials(field);
  return credentials.has_value() ? absl::StrCat(credentials->name, "|", credentials->secret) : "(none)";
}

std::string Basic(absl::string_view text) { return absl::StrCat("Basic ", absl::Base64Escape(text)); }

TEST(HttpCredentialsTest, MissingFieldSaysNothing) { EXPECT_FALSE(ParseHttpCredentials(std::nullopt).has_value()); }

TEST(HttpCredentialsTest, BasicSplitsAtTheFirstColon) {
  EXPECT_EQ(Parse(Basic("ada:secret")), "ada|secret");
  EXPECT_EQ(Parse(Basic("ada:se:cret:")), "ada|se:cret:");
  EXPECT_EQ(Parse(Basic("ada:")), "ada|");
  EXPECT_EQ(Parse(Basic("ada:\xC3\xA4 \xE2\x82\xAC")), "ada|\xC3\xA4 \xE2\x82\xAC");
}

TEST(HttpCredentialsTest, BearerSplitsAtTheLastDot) {
  EXPECT_EQ(Parse("Bearer ci.TOKEN-_~+/="), "ci|TOKEN-_~+/=");
  EXPECT_EQ(Parse("Bearer host.example.org.TOKEN"), "host.example.org|TOKEN");
}

TEST(HttpCredentialsTest, SchemesHaveNoCase) {
  EXPECT_EQ(Parse(absl::StrCat("bAsIc  ", absl::Base64Escape("a:b"))), "a|b");
  EXPECT_EQ(Parse("BEARER a.b"), "a|b");
}

TEST(HttpCredentialsTest, OtherSchemesSayNothing) {
  EXPECT_EQ(Parse("Negotiate abc"), "(none)");
  EXPECT_EQ(Parse("Digest username=\"ada\""), "(none)");
  EXPECT_EQ(Parse("Basicx YTpi"), "(none)");
  EXPECT_EQ(Parse(""), "(none)");
}

TEST(HttpCredentialsTest, MalformedCredentialsHaveNoName) {
  EXPECT_EQ(Parse("Basic"), "|");
  EXPECT_EQ(Parse("Basic ?"), "|");
  EXPECT_EQ(Parse(Basic("ada")), "|");
  EXPECT_EQ(Parse("Bearer"), "|");
  EXPECT_EQ(Parse("Bearer token"), "|");
  EXPECT_EQ(Parse(absl::StrCat(Basic("ada:secret"), ", ", Basic("ada:secret"))), "|") << "two fields, joined";
}

}  // namespace

}  // namespace polyserve
