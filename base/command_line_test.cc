// Flags from files, and the help made of flags.
#include "base/command_line.h"

#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

DEFINE_string(sample_root, ".", "=DIR the directory");
DEFINE_string(sample_choice, "", "=wait|refuse what to do");
DEFINE_string(sample_text, "none", "any text");
DEFINE_int32(sample_count, 3, "how many");
DEFINE_bool(sample_off, false, "a switch");
DEFINE_bool(sample_on, true, "another switch");

namespace polyserve {

namespace {

// A file of this test's own directory, with this content.
std::string FileWith(const std::string& content) {
  const std::string path = absl::StrCat(::testing::TempDir(), "flags.conf");
  std::ofstream(path) << content;
  return path;
}

// The command line after ExpandFlagFiles(), without the name of the program; or the error.
std::string Expand(std::vector<std::string> words) {
  words.insert(words.begin(), "program");
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int argc = static_cast<int>(words.size());
  char** argv = pointers.data();
  const absl::Status status = ExpandFlagFiles(argc, argv);
  if (!status.ok()) return std::string(status.message());
  EXPECT_EQ(argv[argc], nullptr);
  std::string text;
  for (int i = 1; i < argc; ++i) absl::StrAppend(&text, i > 1 ? " " : "", argv[i]);
  return text;
}

TEST(FlagFileTest, LinesTakeThePlaceOfTheFile) {
  const std::string path = FileWith("# A comment.\n\n  --sample_root=/srv/two words  \n--sample_off\n");
  EXPECT_EQ(Expand({"--sample_count=1", absl::StrCat("--flagfile=", path), "--sample_on"}),
            "--sample_count=1 --sample_root=/srv/two words --sample_off --sample_on");
  EXPECT_EQ(Expand({"--flagfile", path, "last"}), "--sample_root=/srv/two words --sample_off last");
}

TEST(FlagFileTest, OtherCommandLinesStayAsTheyAre) {
  EXPECT_EQ(Expand({"--sample_count", "1", "-", "--", "--flagfile=/nowhere"}),
            "--sample_count 1 - -- --flagfile=/nowhere");
}

TEST(FlagFileTest, FileThatCannotBeReadIsAnError) {
  const std::string text = Expand({"--flagfile=/no/such/file"});
  EXPECT_TRUE(absl::StrContains(text, "/no/such/file: No such file")) << text;
  const std::string directory = Expand({"--flagfile=/"});
  EXPECT_TRUE(absl::StrContains(directory, "Is a directory")) << directory;
}

TEST(FlagFileTest, LineThatIsNoFlagIsAnErrorWithItsNumber) {
  for (const char* line : {"sample_root=/srv", "--flagfile=other", "-sample_off"}) {
    const std::string text = Expand({absl::StrCat("--flagfile=", FileWith(absl::StrCat("# One.\n", line, "\n")))});
    EXPECT_TRUE(absl::StrContains(text, absl::StrCat("flags.conf:2: '", line, "'"))) << text;
  }
}

TEST(DescribeFlagsTest, PlaceholderStandsForTheValue) {
  EXPECT_EQ(DescribeFlags("sample_root sample_text"),
            "  --sample_root=DIR       the directory (default: .)\n"
            "  --sample_text=TEXT      any text (default: none)\n");
  EXPECT_EQ(DescribeFlags("sample_choice sample_count"),
            "  --sample_choice=wait|refuse\n"
            "                          what to do\n"
            "  --sample_count=N        how many (default: 3)\n");
}

TEST(DescribeFlagsTest, SwitchThatIsOnCanBeTurnedOff) {
  EXPECT_EQ(DescribeFlags("sample_off sample_on"),
            "  --sample_off            a switch\n"
            "  --[no]sample_on         another switch\n");
}

TEST(DescribeFlagsTest, UnknownNamesAreSkipped) { EXPECT_EQ(DescribeFlags("none undefok tryfromenv"), ""); }

TEST(DescribeFlagsTest, TopicsHaveTitles) {
  const FlagTopic topics[] = {{"One", "sample_off"}, {"Two", "sample_count"}};
  EXPECT_EQ(DescribeTopics(topics),
            "\nOne:\n  --sample_off            a switch\n"
            "\nTwo:\n  --sample_count=N        how many (default: 3)\n");
}

}  // namespace

}  // namespace polyserve
