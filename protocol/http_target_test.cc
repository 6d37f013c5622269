// HttpTarget: from an address to a name, and back.
#include "protocol/http_target.h"

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(HttpTargetTest, TakesAPathApart) {
  const absl::StatusOr<HttpTarget> target = ParseHttpTarget("/a/b%20c/?x=%zz");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->name, "a/b c");
  EXPECT_TRUE(target->is_directory);
  EXPECT_EQ(target->query, "?x=%zz");
  EXPECT_FALSE(ParseHttpTarget("/a")->is_directory);
  EXPECT_EQ(ParseHttpTarget("/")->name, "");
  EXPECT_TRUE(ParseHttpTarget("/?")->is_directory);
}

TEST(HttpTargetTest, TakesTheAbsoluteForm) {
  EXPECT_EQ(ParseHttpTarget("http://host:80/a")->name, "a");
  EXPECT_EQ(ParseHttpTarget("http://host")->name, "");
  EXPECT_EQ(ParseHttpTarget("http://host?q")->query, "?q");
}

TEST(HttpTargetTest, RefusesWhatIsNeither) {
  for (absl::string_view target :
       {"", "a", "*", "http://", "http:///a", "file:///a", "://a", "/a#b", "//", "/%2f", "/%", "/%4", "/%4g"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHttpTarget(target).status())) << target;
  }
}

TEST(HttpTargetTest, LeavesSlashesThatNoNameHasToTheLibrary) {
  EXPECT_EQ(ParseHttpTarget("//host/a")->name, "/host/a");
  EXPECT_EQ(ParseHttpTarget("/a//")->name, "a/");
}

TEST(HttpTargetTest, EncodesWhatItDecodes) {
  std::string name;
  for (int byte = 1; byte < 256; ++byte) name.push_back(static_cast<char>(byte));
  EXPECT_EQ(ParseHttpTarget("/" + EncodeHttpPath(name))->name, name);
  EXPECT_EQ(EncodeHttpPath("a b/c?d#e%\""), "a%20b/c%3Fd%23e%25%22");
}

}  // namespace
}  // namespace polyserve
