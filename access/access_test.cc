// Access: secrets are verified and remembered, and a file that is read anew changes what its users may do at once.
#include "access/access.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "access/auth_file.h"
#include "access/failure_limit.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

// Of "secret" and of "token", at the lowest cost.
constexpr absl::string_view kHash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr absl::string_view kOtherHash = "$2b$04$abcdefghijklmnopqrstuuXW5JZg9aMqUYNJxQVUKvcx/Agx.PPZe";
constexpr absl::string_view kAddress = "192.0.2.1";

class AccessTest : public testing::Test {
 protected:
  void Write(absl::string_view text) { std::ofstream(path_) << text; }
  Access::Options options(int failures_per_minute = 3) const {
    return {.path = path_, .failures_per_minute = failures_per_minute};
  }
  std::shared_ptr<Access> Open(absl::string_view text) {
    Write(text);
    absl::StatusOr<std::shared_ptr<Access>> access = Access::Open(options(), *table_);
    EXPECT_TRUE(access.ok()) << access.status();
    return access.ok() ? *access : nullptr;
  }

  const std::string path_ = absl::StrCat(std::getenv("TEST_TMPDIR"), "/users");
  const std::unique_ptr<Access::Table> table_ = std::make_unique<Access::Table>();
};

TEST_F(AccessTest, WithoutAFileEveryoneMayDoEverything) {
  EXPECT_TRUE(MayEveryone(nullptr, Right::kWrite, "a"));
  EXPECT_TRUE(MayEveryone(nullptr, Right::kAdmin));
}

TEST_F(AccessTest, PermissionsOfNoFileAllowNothing) {
  const Permissions none;
  EXPECT_FALSE(none.Allow(Right::kRead, "a"));
  EXPECT_EQ(none.user(), "");
}

TEST_F(AccessTest, RightSecretIsRememberedAndGivesTheRightsOfTheUserAndOfEveryone) {
  const auto access = Open(absl::StrCat("*::read:/public\nada:", kHash, ":write:/ada\n"));
  EXPECT_FALSE(access->Recall("ada", "secret").has_value());
  EXPECT_TRUE(access->Verify("ada", "secret", kAddress));
  const std::optional<Permissions> ada = access->Recall("ada", "secret");
  ASSERT_TRUE(ada.has_value());
  EXPECT_EQ(ada->user(), "ada");
  EXPECT_TRUE(ada->Allow(Right::kWrite, "ada/a"));
  EXPECT_TRUE(ada->Allow(Right::kRead, "public/a"));
  EXPECT_FALSE(ada->Allow(Right::kRead, "ada/a"));
  EXPECT_FALSE(access->Everyone().Allow(Right::kWrite, "ada/a"));
}

TEST_F(AccessTest, WrongSecretIsNeitherRightNorRemembered) {
  const auto access = Open(absl::StrCat("ada:", kHash, ":read\nbob:", kOtherHash, ":read\nlocked:!:read\n"));
  EXPECT_TRUE(access->Verify("ada", "secret", kAddress));
  EXPECT_FALSE(access->Verify("ada", "token", kAddress));
  EXPECT_FALSE(access->Recall("ada", "token").has_value());
  EXPECT_FALSE(access->Verify("bob", "secret", kAddress)) << "that is ada's";
  EXPECT_FALSE(access->Recall("bob", "secret").has_value());
  EXPECT_FALSE(access->Verify("eve", "secret", kAddress)) << "there is no such user, and the decoy is ada's hash";
  EXPECT_FALSE(access->Verify("locked", "secret", kAddress));
  EXPECT_FALSE(access->Verify("locked", "!", kAddress));
  EXPECT_FALSE(access->Verify("*", "", kAddress));
}

TEST_F(AccessTest, NameThatTheTransportProvesNeedsNoSecret) {
  const auto access = Open("*::read\ncertified:!:write\n");
  EXPECT_TRUE(access->PermissionsOf("certified").Allow(Right::kWrite, "a"));
  EXPECT_EQ(access->PermissionsOf("certified").user(), "certified");
  EXPECT_FALSE(access->PermissionsOf("eve").Allow(Right::kWrite, "a"));
  EXPECT_TRUE(access->PermissionsOf("eve").Allow(Right::kRead, "a"));
  EXPECT_EQ(access->PermissionsOf("*").user(), "");
}

TEST_F(AccessTest, AddressThatFailsTooOftenMayNotTry) {
  const auto access = Open(absl::StrCat("ada:", kHash, ":read\n"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(access->MayVerify(kAddress), FailureLimit::Answer::kGo);
    EXPECT_FALSE(access->Verify("ada", "guess", kAddress));
  }
  EXPECT_NE(access->MayVerify(kAddress), FailureLimit::Answer::kGo);
  EXPECT_EQ(access->MayVerify("192.0.2.2"), FailureLimit::Answer::kGo);
  EXPECT_EQ(access->figures().wrong, 3);
}

TEST_F(AccessTest, AddressThatIsRightMayTryAgain) {
  const auto access = Open(absl::StrCat("ada:", kHash, ":read\n"));
  for (int i = 0; i < 30; ++i) {
    ASSERT_EQ(access->MayVerify(kAddress), FailureLimit::Answer::kGo);
    ASSERT_TRUE(access->Verify("ada", "secret", kAddress));
  }
}

TEST_F(AccessTest, NewVersionOfTheFileHoldsAtOnce) {
  const auto access = Open(absl::StrCat("ada:", kHash, ":read\nbob:", kHash, ":read\n"));
  EXPECT_TRUE(access->Verify("ada", "secret", kAddress));
  EXPECT_TRUE(access->Verify("bob", "secret", kAddress));
  const Permissions ada = *access->Recall("ada", "secret");
  const Permissions bob = *access->Recall("bob", "secret");
  Write(absl::StrCat("ada:", kHash, ":write\nbob:", kOtherHash, ":read\n"));
  EXPECT_TRUE(access->Reload().ok());
  EXPECT_TRUE(access->Renew(ada).Allow(Right::kWrite, "a")) << "other rights";
  EXPECT_FALSE(access->Renew(ada).Allow(Right::kRead, "a"));
  EXPECT_TRUE(access->Recall("ada", "secret").has_value()) << "the same password";
  EXPECT_FALSE(access->Renew(bob).Allow(Right::kRead, "a")) << "another password";
  EXPECT_FALSE(access->Recall("bob", "secret").has_value());
}

TEST_F(AccessTest, FaultyFileIsRefusedAndTheOldOneStays) {
  const auto access = Open("*::read\n");
  Write("*::read\nada:secret:read\n");
  const absl::Status status = access->Reload();
  EXPECT_TRUE(absl::StrContains(status.message(), absl::StrCat(path_, ", line 2: "))) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), "secret")) << status;
  EXPECT_TRUE(access->Everyone().Allow(Right::kRead, "a"));
  ::unlink(path_.c_str());
  EXPECT_TRUE(absl::IsNotFound(access->Reload()));
  EXPECT_TRUE(access->Everyone().Allow(Right::kRead, "a"));
  EXPECT_TRUE(absl::IsNotFound(Access::Open(options(), *table_).status()));
}

TEST_F(AccessTest, WhatIsNoFileIsRefused) {
  EXPECT_FALSE(Access::Open({.path = std::getenv("TEST_TMPDIR")}, *table_).ok());
  Write(std::string(AuthFile::kMaxBytes + 1, '#'));
  EXPECT_FALSE(Access::Open(options(), *table_).ok());
}

TEST_F(AccessTest, OtherProcessesFollowTheOneThatReads) {
  const auto image = Access::OfServer(options(), *table_);
  EXPECT_FALSE(image->Everyone().Allow(Right::kRead, "a")) << "nothing is published yet";
  const auto server = Open(absl::StrCat("*::read\nada:", kHash, ":write\n"));
  EXPECT_TRUE(image->Everyone().Allow(Right::kRead, "a"));
  EXPECT_TRUE(server->Verify("ada", "secret", kAddress));
  EXPECT_TRUE(image->Recall("ada", "secret").has_value());
  Write("*::write\n");
  EXPECT_TRUE(image->Reload().ok());
  EXPECT_TRUE(image->Everyone().Allow(Right::kRead, "a")) << "only the server's own process reads the file";
  EXPECT_TRUE(server->Reload().ok());
  EXPECT_FALSE(image->Everyone().Allow(Right::kRead, "a"));
  EXPECT_TRUE(image->Everyone().Allow(Right::kWrite, "a"));
}

}  // namespace

}  // namespace polyserve
