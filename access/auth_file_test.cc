// The file of --auth_file: what its lines allow, and what is said of lines that make no sense.
#include "access/auth_file.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

// Of "secret", at the lowest cost.
constexpr absl::string_view kHash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";

AuthFile Parse(absl::string_view text) {
  absl::StatusOr<AuthFile> file = AuthFile::Parse(text);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? *std::move(file) : AuthFile();
}

// The user of the one line "ada:HASH:<rights>".
AuthUser UserWith(absl::string_view rights) {
  const AuthFile file = Parse(absl::StrCat("ada:", kHash, ":", rights));
  const AuthUser* user = file.Find("ada");
  EXPECT_NE(user, nullptr);
  return user == nullptr ? AuthUser() : *user;
}

void ExpectRefused(absl::string_view text, absl::string_view reason) {
  const absl::Status status = AuthFile::Parse(text).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
  EXPECT_TRUE(absl::StrContains(status.message(), reason)) << status.message() << " does not say: " << reason;
  EXPECT_FALSE(absl::StrContains(status.message(), "$2b$")) << "the hash is repeated: " << status.message();
}

TEST(AuthFileTest, EachUserHasTheRightsOfItsLine) {
  const AuthFile file =
      Parse(absl::StrCat("# users\n\n*::read:/public\r\nada:", kHash, ":read,write chat\n  bob:!:admin  "));
  EXPECT_TRUE(file.everyone().May(Right::kRead, "public/a"));
  EXPECT_FALSE(file.everyone().May(Right::kRead, ""));
  const AuthUser* ada = file.Find("ada");
  ASSERT_NE(ada, nullptr);
  EXPECT_EQ(ada->hash, kHash);
  EXPECT_TRUE(ada->May(Right::kRead, ""));
  EXPECT_TRUE(ada->May(Right::kWrite, "any/name"));
  EXPECT_TRUE(ada->May(Right::kChat, ""));
  EXPECT_FALSE(ada->May(Right::kAdmin, ""));
  const AuthUser* bob = file.Find("bob");
  ASSERT_NE(bob, nullptr);
  EXPECT_TRUE(bob->May(Right::kAdmin, ""));
  EXPECT_FALSE(bob->May(Right::kRead, ""));
  EXPECT_EQ(file.Find("*"), nullptr);
  EXPECT_EQ(file.Find("eve"), nullptr);
}

TEST(AuthFileTest, EmptyFileAllowsNothing) {
  const AuthFile file = Parse("");
  EXPECT_FALSE(file.everyone().May(Right::kRead, ""));
  EXPECT_FALSE(file.everyone().May(Right::kAdmin, ""));
  EXPECT_EQ(file.decoy_hash(), "");
}

TEST(AuthFileTest, DirectoryHoldsForWhatIsInItAlone) {
  const AuthUser user = UserWith("read:/home/ada write:/home/ada/up/");
  EXPECT_TRUE(user.May(Right::kRead, "home/ada"));
  EXPECT_TRUE(user.May(Right::kRead, "home/ada/a"));
  EXPECT_FALSE(user.May(Right::kRead, "home/adams"));
  EXPECT_FALSE(user.May(Right::kRead, "home"));
  EXPECT_FALSE(user.May(Right::kRead, ""));
  EXPECT_FALSE(user.May(Right::kWrite, "home/ada/a"));
  EXPECT_TRUE(user.May(Right::kWrite, "home/ada/up/a"));
}

TEST(AuthFileTest, GrantsAddUp) {
  const AuthUser user = UserWith("read:/a read,write:/b chat");
  EXPECT_TRUE(user.May(Right::kRead, "a/x"));
  EXPECT_FALSE(user.May(Right::kWrite, "a/x"));
  EXPECT_TRUE(user.May(Right::kRead, "b/x"));
  EXPECT_TRUE(user.May(Right::kWrite, "b/x"));
  EXPECT_TRUE(user.May(Right::kChat, ""));
}

TEST(AuthFileTest, DirectoriesMayHoldBlanks) {
  EXPECT_TRUE(UserWith("read:/two%20words").May(Right::kRead, "two words/a"));
  EXPECT_TRUE(UserWith("read:/").May(Right::kRead, ""));
}

TEST(AuthFileTest, FaultIsReportedWithItsLine) {
  ExpectRefused("# ada\nada\n", "line 2: expected: name:hash:rights");
  ExpectRefused("*::read\n\n*::write\n", "line 3: there is a line for '*' already");
  ExpectRefused(absl::StrCat("ada:", kHash, ":read\nada:!:read\n"), "line 2: there is a line for 'ada' already");
}

TEST(AuthFileTest, FaultyNamesAreRefused) {
  ExpectRefused(":!:read", "a name has");
  ExpectRefused("a b:!:read", "a name has");
  ExpectRefused("ad\xC3\xA4:!:read", "a name has");
  ExpectRefused(absl::StrCat(std::string(65, 'a'), ":!:read"), "a name has");
}

TEST(AuthFileTest, FaultyHashesAreRefused) {
  ExpectRefused("ada::read", "the hash is missing");
  ExpectRefused("ada:secret:read", "neither yescrypt's nor bcrypt's");
  ExpectRefused("ada:$1$salt$qJH7.N4xYta3aEG/dfqo/0:read", "neither yescrypt's nor bcrypt's");
  ExpectRefused(absl::StrCat("ada:", kHash.substr(0, kHash.size() - 1), ":read"), "neither yescrypt's nor bcrypt's");
  ExpectRefused(absl::StrCat("*:", kHash, ":read"), "leave the hash empty");
}

TEST(AuthFileTest, FaultyRightsAreRefused) {
  ExpectRefused("ada:!:", "there are no rights");
  ExpectRefused("ada:!:reed", "'reed' is not a right");
  ExpectRefused("ada:!:read,,write", "'' is not a right");
  ExpectRefused("ada:!:chat:/a", "without a directory");
  ExpectRefused("ada:!:read,admin:/", "without a directory");
}

TEST(AuthFileTest, FaultyDirectoriesAreRefused) {
  for (const absl::string_view directory : {"public", "/a//b", "/a/../b", "/./a", "/a/%2e%2e/b", "/%2", "/%zz", "//"}) {
    ExpectRefused(absl::StrCat("ada:!:read:", directory), "is not a directory of the root");
  }
}

}  // namespace

}  // namespace polyserve
