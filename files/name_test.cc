// CheckName: what a peer may ask for.
#include "files/name.h"

#include <string>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(CheckNameTest, TakesRelativeNames) {
  for (absl::string_view name :
       {"a", "two words", "sub/deep.txt", "a..b", "\xE7\xAE\xA1\xE7\x90\x86\xE5\x91\x98", "-rf", "~", "a b/c d"}) {
    EXPECT_TRUE(CheckName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckName(std::string(255, 'x')).ok());
}

TEST(CheckNameTest, RefusesWhatIsNoName) {
  for (const std::string& name :
       {std::string(), std::string("/"), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."),
        std::string(".."), std::string("a/.."), std::string("../a"), std::string("a\nb"), std::string("a\0b", 3),
        std::string("\x7f"), std::string("\xC0\xAF"), std::string(256, 'x'), std::string(5000, 'x')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckName(name))) << name;
  }
}

TEST(CheckNameTest, HidesHiddenFiles) {
  EXPECT_TRUE(absl::IsPermissionDenied(CheckName(".profile")));
  EXPECT_TRUE(absl::IsPermissionDenied(CheckName("sub/.git/config")));
}

TEST(CheckNameTest, TakesWellKnownNamesToReadAlone) {
  for (absl::string_view name : {".well-known", ".well-known/security.txt", ".well-known/acme-challenge/a-b_c"}) {
    EXPECT_TRUE(CheckNameToRead(name).ok()) << name;
    EXPECT_TRUE(absl::IsPermissionDenied(CheckName(name))) << name;
  }
  for (absl::string_view name : {".well-known2/a", ".Well-Known/a", "sub/.well-known/a", ".well-known/.a",
                                 ".well-known/a/.b", ".well-known/.well-known/a", ".profile"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(CheckNameToRead(name))) << name;
  }
  for (absl::string_view name : {".well-known/", ".well-known//a", ".well-known/..", ".well-known/../a", "a/"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckNameToRead(name))) << name;
  }
  EXPECT_TRUE(CheckNameToRead("a").ok());
}

}  // namespace
}  // namespace polyserve
