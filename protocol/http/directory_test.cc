// The page of a directory: readable sizes. The rest of the page is tested through a session, in files_test.cc.
#include "protocol/http/directory.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(HttpDirectoryTest, WritesSizesForPeople) {
  const struct {
    int64_t bytes;
    absl::string_view text;
  } kCases[] = {{0, ">0 B<"},
                {1023, ">1023 B<"},
                {1024, ">1.0 KiB<"},
                {1536, ">1.5 KiB<"},
                {int64_t{5} << 30, ">5.0 GiB<"},
                {INT64_MAX, ">8.0 EiB<"}};
  for (const auto& one : kCases) {
    std::string page;
    AppendHttpDirectoryRow({"x", one.bytes, 0}, page);
    EXPECT_TRUE(absl::StrContains(page, one.text)) << one.bytes;
  }
}

TEST(HttpDirectoryTest, NamesDoNotReorderThePage) {
  std::string page = HttpDirectoryHead("a\u202Eb");
  AppendHttpDirectoryRow({"x\u202Etxt.exe", 1, 0}, page);
  EXPECT_FALSE(absl::StrContains(page, "\u202E"));
  EXPECT_TRUE(absl::StrContains(page, ">x\\u202etxt.exe</a>"));
  EXPECT_TRUE(absl::StrContains(page, "href=\"./x%E2%80%AEtxt.exe\"")) << "it is the same file still";
}

TEST(HttpDirectoryTest, LeadsUpFromEverywhereButTheRoot) {
  EXPECT_FALSE(absl::StrContains(HttpDirectoryHead(""), "../"));
  EXPECT_TRUE(absl::StrContains(HttpDirectoryHead("a/<b>"), "<h1>/a/&lt;b&gt;/</h1>"));
  EXPECT_TRUE(absl::StrContains(HttpDirectoryHead("a/<b>"), "<a href=\"../\">"));
}

}  // namespace
}  // namespace polyserve
