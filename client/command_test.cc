// Commands, as arguments and as lines.
#include "client/command.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// "NAME|PATH", or the error.
std::string Show(const absl::StatusOr<Command>& command) {
  if (!command.ok()) return std::string(command.status().message());
  return absl::StrCat(command->name, "|", command->path);
}

TEST(CommandTest, ArgumentsAreNames) {
  EXPECT_EQ(Show(ParseArguments({"get", "a as b"}, "")), "a as b|a as b");
  EXPECT_EQ(Show(ParseArguments({"get", "dir/a"}, "-")), "dir/a|-");
  EXPECT_EQ(Show(ParseArguments({"put", "/tmp/a b"}, "")), "a b|/tmp/a b");
  EXPECT_EQ(Show(ParseArguments({"put", "/tmp/a", "dir/c"}, "")), "dir/c|/tmp/a");
  EXPECT_EQ(ParseArguments({"list"}, "")->verb, Command::Verb::kList);
  EXPECT_EQ(Show(ParseArguments({"list", "*.t xt"}, "")), "*.t xt|");
}

TEST(CommandTest, WrongArgumentsAreRefused) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"frob"},
                                                                                         {"get"},
                                                                                         {"get", "a", "b"},
                                                                                         {"put", "a", "b", "c"},
                                                                                         {"list", "a", "b"},
                                                                                         {"help", "a"},
                                                                                         {"stat", ""}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseArguments(arguments, "").status())) << arguments[0];
  }
}

TEST(CommandTest, GetNeverLeadsOutOfTheDirectoryByItself) {
  EXPECT_EQ(Show(ParseArguments({"get", "../../etc/passwd"}, "")), "../../etc/passwd|passwd");
  for (const char* name : {"..", "a/..", "a/", "/", "."}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseArguments({"get", name}, "").status())) << name;
  }
}

TEST(CommandTest, LineHoldsNamesWithSpaces) {
  EXPECT_EQ(Show(ParseLine("get a  b.txt")), "a  b.txt|a  b.txt");
  EXPECT_EQ(Show(ParseLine("  stat a b ")), "a b|");
  EXPECT_EQ(Show(ParseLine("stat a as b")), "a as b|");
  EXPECT_EQ(Show(ParseLine("get a b as c d")), "a b|c d");
  EXPECT_EQ(Show(ParseLine("get a as b as c")), "a as b|c");
  EXPECT_EQ(Show(ParseLine("put /tmp/a b as c")), "c|/tmp/a b");
}

TEST(CommandTest, ListTakesAPattern) {
  EXPECT_EQ(Show(ParseLine("list")), "|");
  EXPECT_EQ(Show(ParseLine("list two w*")), "two w*|");
  EXPECT_EQ(Show(ParseLine("list a as b")), "a as b|");
}

TEST(CommandTest, HabitsOfOtherProgramsAreUnderstood) {
  EXPECT_EQ(ParseLine("ls *.txt")->verb, Command::Verb::kList);
  EXPECT_EQ(ParseLine("exit")->verb, Command::Verb::kQuit);
  EXPECT_TRUE(absl::IsInvalidArgument(ParseArguments({""}, "").status()));
}

TEST(CommandTest, LineHoldsQuotedNames) {
  EXPECT_EQ(Show(ParseLine("get \"a as b\"")), "a as b|a as b");
  EXPECT_EQ(Show(ParseLine("get \"a as b\" as \"c as d\"")), "a as b|c as d");
  EXPECT_EQ(Show(ParseLine("stat \" a \"")), " a |");
}

TEST(CommandTest, WrongLinesAreRefused) {
  for (const char* line :
       {"frob", "get", "get \"a", "get \"a\" b", "get \"\"", "list \"a", "help me", "quit now", "get a as \"b\" c"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseLine(line).status())) << line;
  }
}

}  // namespace

}  // namespace polyserve
