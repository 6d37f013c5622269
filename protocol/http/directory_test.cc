// The page of a directory: readable sizes. The rest of the page is tested through a session, in files_test.cc.
#include "protocol/http/directory.h"

#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "files/library.h"
#include "files/listing.h"
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
  std::string page = HttpDirectoryHead("a\u202Eb", {});
  AppendHttpDirectoryRow({"x\u202Etxt.exe", 1, 0}, page);
  EXPECT_FALSE(absl::StrContains(page, "\u202E"));
  EXPECT_TRUE(absl::StrContains(page, ">x\\u202etxt.exe</a>"));
  EXPECT_TRUE(absl::StrContains(page, "href=\"./x%E2%80%AEtxt.exe\"")) << "it is the same file still";
}

TEST(HttpDirectoryTest, LeadsUpFromEverywhereButTheRoot) {
  EXPECT_FALSE(absl::StrContains(HttpDirectoryHead("", {}), "../"));
  EXPECT_TRUE(absl::StrContains(HttpDirectoryHead("a/<b>", {}), "<title>/a/&lt;b&gt;/</title>"));
  EXPECT_TRUE(absl::StrContains(HttpDirectoryHead("a/<b>", {}), "<tr><td><a href=\"../\">"));
}

TEST(HttpDirectoryTest, ThePathIsLinksUpToTheRoot) {
  EXPECT_TRUE(
      absl::StrContains(HttpDirectoryHead("a/<b>/c", {}),
                        "<a href=\"../../../\">files</a> <span>/</span> <a href=\"../../\">a</a> <span>/</span> "
                        "<a href=\"../\">&lt;b&gt;</a> <span>/</span> <h1>c</h1>"));
}

TEST(HttpDirectoryTest, TheQuerySaysTheOrder) {
  using By = ListingOrder::By;
  EXPECT_EQ(ParseHttpDirectoryQuery("").order, (ListingOrder{By::kName, false}));
  EXPECT_EQ(ParseHttpDirectoryQuery("?sort=size&order=desc").order, (ListingOrder{By::kSize, true}));
  EXPECT_EQ(ParseHttpDirectoryQuery("?order=desc&sort=date&sort=name").order, (ListingOrder{By::kName, true}));
  EXPECT_EQ(ParseHttpDirectoryQuery("?sort=colour&order&x=1&&=").order, (ListingOrder{By::kName, false}));
  EXPECT_TRUE(ParseHttpDirectoryQuery("?format=json").is_json);
  EXPECT_FALSE(ParseHttpDirectoryQuery("?format=xml").is_json);
}

TEST(HttpDirectoryTest, TheHeadOfTheSortedColumnReversesIt) {
  const std::string by_size = HttpDirectoryHead("", {ListingOrder::By::kSize, true});
  EXPECT_TRUE(absl::StrContains(by_size, "aria-sort=\"descending\"><a href=\"?sort=size&amp;order=asc\">"));
  EXPECT_TRUE(absl::StrContains(by_size, "<a href=\"?sort=name&amp;order=asc\">"));
  EXPECT_TRUE(absl::StrContains(by_size, "<a href=\"?sort=date&amp;order=desc\">"));
  EXPECT_TRUE(
      absl::StrContains(HttpDirectoryHead("", {}), "aria-sort=\"ascending\"><a href=\"?sort=name&amp;order=desc\">"));
}

TEST(HttpDirectoryTest, JsonHasTheSameEntries) {
  const Listing::Format row = MakeHttpDirectoryJsonRows();
  std::string text = HttpDirectoryJsonHead("a\"b");
  row({"x\ny", 5, 7}, text);
  row({"sub", 4096, 8, true}, text);
  absl::StrAppend(&text, HttpDirectoryJsonEnd());
  EXPECT_EQ(nlohmann::json::parse(text),
            nlohmann::json::parse(R"({"name": "a\"b", "entries": [{"name": "x\ny", "size": 5, "mtime": 7},
                                      {"name": "sub", "directory": true, "mtime": 8}]})"));
  const std::string empty = absl::StrCat(HttpDirectoryJsonHead(""), HttpDirectoryJsonEnd());
  EXPECT_EQ(nlohmann::json::parse(empty)["entries"].size(), 0u);
}

}  // namespace
}  // namespace polyserve
