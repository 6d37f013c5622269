// HttpTarget: from an address to a name, and back.
#include "protocol/http/target.h"

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
       {"", "a", "*", "http://", "http:///a", "file:///a", "://a", "/a#b", "/%2f", "/%", "/%4", "/%4g"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHttpTarget(target).status())) << target;
  }
}

TEST(HttpTargetTest, MergesSlashesAndRemovesDotParts) {
  const struct {
    absl::string_view target, name;
    bool is_directory;
  } kCases[] = {
      {"//a", "a", false},
      {"//", "", true},
      {"/./a", "a", false},
      {"/x/../a", "a", false},
      {"/x/y/../../a", "a", false},
      {"/%2e/a", "a", false},
      {"/x/%2E%2e/a", "a", false},
      {"/x/.%2e/a", "a", false},
      {"/a//", "a", true},
      {"/a/.", "a", true},
      {"/a/b/..", "a", true},
      {"/a/..", "", true},
      {"/.", "", true},
      {"/a///b", "a/b", false},
      {"http://host//a/./b", "a/b", false},
      {"//host/a", "host/a", false},
      // No dot parts.
      {"/...", "...", false},
      {"/..a/b", "..a/b", false},
      {"/a../b", "a../b", false},
      {"/%252e%252e/a", "%2e%2e/a", false},
      {"/a/.hidden", "a/.hidden", false},
  };
  for (const auto& one : kCases) {
    const absl::StatusOr<HttpTarget> target = ParseHttpTarget(one.target);
    ASSERT_TRUE(target.ok()) << one.target;
    EXPECT_EQ(target->name, one.name) << one.target;
    EXPECT_EQ(target->is_directory, one.is_directory) << one.target;
  }
  EXPECT_EQ(ParseHttpTarget("/x/../a?b=/../c")->query, "?b=/../c");
}

TEST(HttpTargetTest, NeverLeadsOutOfTheRoot) {
  for (absl::string_view target :
       {"/..", "/../a", "/./../a", "//../a", "/a/../../b", "/%2e%2e/a", "/a/%2e%2e/..", "http://host/../a"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseHttpTarget(target).status())) << target;
  }
}

TEST(HttpTargetTest, EncodesWhatItDecodes) {
  std::string name;
  for (int byte = 1; byte < 256; ++byte) name.push_back(static_cast<char>(byte));
  EXPECT_EQ(ParseHttpTarget("/" + EncodeHttpPath(name))->name, name);
  EXPECT_EQ(EncodeHttpPath("a b/c?d#e%\""), "a%20b/c%3Fd%23e%25%22");
}

}  // namespace
}  // namespace polyserve
