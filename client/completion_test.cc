// The tab key adds what is certain, and shows what is not.
#include "client/completion.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace polyserve {

namespace {

// "+TEXT" if that is inserted, "?A,B" for choices, "" for nothing.
std::string Tab(absl::string_view typed, const std::vector<std::string>& names = {}) {
  const Completion completion = CompleteLine(typed, [&names]() -> const std::vector<std::string>& { return names; });
  if (!completion.insert.empty()) return absl::StrCat("+", completion.insert);
  return completion.choices.empty() ? "" : absl::StrCat("?", absl::StrJoin(completion.choices, ","));
}

TEST(CompletionTest, OneLetterIsACommand) {
  EXPECT_EQ(Tab("g"), "+et ");
  EXPECT_EQ(Tab("  li"), "+st ");
  EXPECT_EQ(Tab("list"), "+ ");
  EXPECT_EQ(Tab(""), "?list,get,put,stat,help,quit");
  EXPECT_EQ(Tab("x"), "");
  EXPECT_EQ(Tab("x "), "");
  EXPECT_EQ(Tab("help "), "");
}

TEST(CompletionTest, NamesAreThoseOfTheServer) {
  const std::vector<std::string> names = {"hello.txt", "noise.bin", "two words.txt", "two.txt"};
  EXPECT_EQ(Tab("get h", names), "+ello.txt");
  EXPECT_EQ(Tab("stat  no", names), "+ise.bin");
  EXPECT_EQ(Tab("list n", names), "+oise.bin");
  EXPECT_EQ(Tab("ls n", names), "+oise.bin");
  EXPECT_EQ(Tab("get t", names), "+wo");
  EXPECT_EQ(Tab("get two", names), "?two words.txt,two.txt");
  EXPECT_EQ(Tab("get two w", names), "+ords.txt");
  EXPECT_EQ(Tab("get x", names), "");
  EXPECT_EQ(Tab("get hello.txt", names), "");
  EXPECT_EQ(Tab("get ", names), "?hello.txt,noise.bin,two words.txt,two.txt");
}

TEST(CompletionTest, QuotesAreClosed) {
  const std::vector<std::string> names = {"a as b", "say \"x\"", " blank"};
  EXPECT_EQ(Tab("get \"a", names), "+ as b\"");
  EXPECT_EQ(Tab("get \"s", names), "") << "there is no quote within quotes";
  EXPECT_EQ(Tab("get s", names), "+ay \"x\"");
  EXPECT_EQ(Tab("get \" ", names), "+blank\"");
}

TEST(CompletionTest, NamesThatWouldBeTakenForSomethingElseAreLeftOut) {
  const std::vector<std::string> names = {"a as b", "\"quoted\"", "blank ", "red\x1b[31m"};
  EXPECT_EQ(Tab("get ", names), "");
  EXPECT_EQ(Tab("stat a", names), "+ as b");
}

TEST(CompletionTest, CharactersStayWhole) {
  EXPECT_EQ(Tab("get ", {"\u00e4", "\u00e5"}), "?\u00e4,\u00e5");  // They have their first byte in common.
  EXPECT_EQ(Tab("get \u540d", {"\u540d\u524d1", "\u540d\u524d2"}), "+\u524d");
}

TEST(CompletionTest, ServerIsAskedOnlyForItsNames) {
  for (const char* typed : {"g", "put a", "get a as b", "help ", "x y"}) {
    CompleteLine(typed, []() -> const std::vector<std::string>& {
      static const std::vector<std::string> none;
      ADD_FAILURE();
      return none;
    });
  }
}

TEST(CompletionTest, PathsAreExpectedBehindPutAndAs) {
  for (const char* typed : {"put ", "put /tmp/a b", "get a as ", "get a as /tmp/x"})
    EXPECT_TRUE(IsTypingPath(typed)) << typed;
  for (const char* typed : {"", "put", "put a as b", "get a", "stat a as b"})
    EXPECT_FALSE(IsTypingPath(typed)) << typed;
}

TEST(CompletionTest, ChoicesStandSideBySide) {
  EXPECT_EQ(ChoicesAsText({"a", "bb", "c"}, 80), "a   bb  c\n");
  EXPECT_EQ(ChoicesAsText({"a", "bb", "c"}, 6), "a   bb\nc\n");
  EXPECT_EQ(ChoicesAsText({"a", "bb", "c"}, 1), "a\nbb\nc\n");
  EXPECT_EQ(ChoicesAsText(std::vector<std::string>(1000, "a"), 80), "1000 files; type more of the name\n");
}

}  // namespace

}  // namespace polyserve
