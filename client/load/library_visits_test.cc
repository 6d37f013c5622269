// LibraryVisits: put, get and list in turn, right replies in any pieces, and wrong ones.
#include "client/load/library_visits.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "client/load/count_replies.h"
#include "client/load/exchange.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr size_t kSize = 30;

// The content of the put, after its line.
std::string ContentOf(absl::string_view put) { return std::string(put.substr(put.find('\n') + 1)); }

std::string ListOf(absl::string_view lines) { return absl::StrCat("OK ", lines.size(), "\n", lines); }

TEST(LibraryVisitsTest, PutsGetsAndListsAFileOfItsOwn) {
  LibraryVisits visits("v", kSize);
  const std::unique_ptr<Exchange> first = visits.NewExchange(), second = visits.NewExchange();
  const std::string put(first->Ask());
  EXPECT_EQ(put.substr(0, 9), "P v-1 30\n");
  EXPECT_EQ(put.size(), 9 + kSize);
  EXPECT_EQ(CountReplies(*first, "OK 0\n", 100), 1);
  EXPECT_EQ(first->Ask(), "G v-1\n");
  EXPECT_EQ(CountReplies(*first, absl::StrCat("OK 30\n", ContentOf(put)), 100), 1);
  EXPECT_EQ(first->Ask(), "L\n");
  EXPECT_EQ(CountReplies(*first, ListOf("a\t1\t2\nv-1\t30\t77\n"), 100), 1);
  const std::string again(first->Ask());
  EXPECT_EQ(again.substr(0, 9), "P v-1 30\n");
  EXPECT_NE(ContentOf(again), ContentOf(put));
  EXPECT_EQ(second->Ask().substr(0, 9), "P v-2 30\n");
}

TEST(LibraryVisitsTest, RepliesMayComeInAnyPieces) {
  for (size_t piece = 1; piece < 40; ++piece) {
    const std::unique_ptr<Exchange> visit = LibraryVisits("v", kSize).NewExchange();
    const std::string content = ContentOf(visit->Ask());
    EXPECT_EQ(CountReplies(*visit, "OK 0\n", piece), 1) << piece;
    visit->Ask();
    EXPECT_EQ(CountReplies(*visit, absl::StrCat("OK 30\n", content), piece), 1) << piece;
    visit->Ask();
    EXPECT_EQ(CountReplies(*visit, ListOf("v-1\t30\t77\n"), piece), 1) << piece;
  }
}

// Asks `turns` times, answers all but the last one rightly, and that with `reply`.
int CountLast(int turns, const std::string& reply) {
  const std::unique_ptr<Exchange> visit = LibraryVisits("v", kSize).NewExchange();
  const std::string content = ContentOf(visit->Ask());
  if (turns > 1) {
    CountReplies(*visit, "OK 0\n", 100);
    visit->Ask();
  }
  if (turns > 2) {
    CountReplies(*visit, absl::StrCat("OK 30\n", content), 100);
    visit->Ask();
  }
  return CountReplies(*visit, reply, 100);
}

TEST(LibraryVisitsTest, WrongRepliesAreNoticed) {
  const std::string other(kSize, 'x');
  for (const std::string& reply :
       {std::string("ERR 507 full\n"), std::string("OK 1\nx"), std::string("OK x\n"), std::string(100, 'x')}) {
    EXPECT_EQ(CountLast(1, reply), -1) << reply;
  }
  for (const std::string& reply : {absl::StrCat("OK 30\n", other), std::string("OK 5\nhello"),
                                   absl::StrCat("OK 31\n", other, "x"), std::string("ERR 404 none\n")}) {
    EXPECT_EQ(CountLast(2, reply), -1) << reply;
  }
  for (const std::string& reply :
       {ListOf(""), ListOf("v-1\t29\t7\n"), ListOf("wv-1\t30\t7\n"), ListOf("v-10\t30\t7\n")}) {
    EXPECT_EQ(CountLast(3, reply), -1) << reply;
  }
}

TEST(LibraryVisitsTest, SmallContentsDifferToo) {
  const std::unique_ptr<Exchange> visit = LibraryVisits("v", 1).NewExchange();
  const std::string first = ContentOf(visit->Ask());
  for (int i = 0; i < 2; ++i) visit->Ask();
  EXPECT_NE(ContentOf(visit->Ask()), first);
}

}  // namespace
}  // namespace polyserve
