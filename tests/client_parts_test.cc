// The client with several connections at a time: a file in parts, from one server or several, and whole directories.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "client/download.h"
#include "client/parts.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "tests/program_path.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

std::vector<std::string> ServerFlags(const Scratch& root) {
  return {"--model=epoll", absl::StrCat("--root=", root.path()), "--listen=file://127.0.0.1:0",
          "--max_file_bytes=3000000"};
}

void SetDate(const Scratch& root, const char* name, time_t date) {
  const timespec times[] = {{date, 0}, {date, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, root.PathOf(name).c_str(), times, 0), 0);
}

class ClientPartsTest : public testing::Test {
 protected:
  ToolRun Client(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {ProgramPath("client/client"), absl::StrCat("--server=", address())});
    return RunTool(arguments, here_.path());
  }

  std::string address() const { return server_.address("file"); }

  Scratch root_, here_;
  ServerProcess server_{{.flags = ServerFlags(root_)}};
};

TEST_F(ClientPartsTest, FileInPartsIsTheSameFile) {
  for (const size_t size : {0, 1, 65'536, 65'537, 1'000'003}) {
    root_.Write("a", RandomBytes(size, 1));
    for (const int segments : {1, 2, 7, 64}) {
      const ToolRun run = Client({"get", "a", absl::StrCat("--segments=", segments)});
      EXPECT_EQ(run.exit_status, 0) << run.output;
      EXPECT_EQ(Sha256(here_.Read("a")), Sha256(root_.Read("a"))) << size << " in " << segments;
      EXPECT_EQ(here_.Names(), std::vector<std::string>{"a"});
    }
  }
}

TEST_F(ClientPartsTest, SourcesShareAFileAndStepInForEachOther) {
  root_.Write("a b", RandomBytes(500'000, 2));
  const ServerProcess other({.flags = ServerFlags(root_)});
  for (const std::string& from :
       {absl::StrCat(address(), ",", other.address("file")), absl::StrCat("file://", other.address("file")),
        absl::StrCat(address(), ",127.0.0.1:1,", other.address("file"))}) {
    const ToolRun run = Client({"get", "a b", "--from=" + from, "-o", "copy"});
    EXPECT_EQ(run.exit_status, 0) << from << ": " << run.output;
    EXPECT_EQ(Sha256(here_.Read("copy")), Sha256(root_.Read("a b"))) << from;
  }
  EXPECT_EQ(Client({"get", "a b", "--from=127.0.0.1:1"}).exit_status, 3);
}

TEST_F(ClientPartsTest, SourcesThatDifferAreRefused) {
  const Scratch other_root;
  root_.Write("a", "the one");
  other_root.Write("a", "the other");
  const ServerProcess other({.flags = ServerFlags(other_root)});
  const ToolRun run = Client({"get", "a", absl::StrCat("--from=", address(), ",", other.address("file"))});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_NE(run.output.find("the sources differ"), std::string::npos) << run.output;
  EXPECT_EQ(here_.Names(), std::vector<std::string>());
}

TEST_F(ClientPartsTest, FileThatChangesMeanwhileIsNotTaken) {
  root_.Write("a", RandomBytes(500'000, 3));
  SetDate(root_, "a", 1'000'000'000);
  root_.Write("new", RandomBytes(500'000, 4));
  absl::StatusOr<Download> download = Download::Start(here_.PathOf("a"));
  ASSERT_TRUE(download.ok());
  PartsOptions options;
  options.sources = {*Endpoint::Parse(address())};
  options.segments = 3;
  const auto replace = [this](int64_t, int64_t) {  // The first call does, the others find nothing to rename.
    ::rename(root_.PathOf("new").c_str(), root_.PathOf("a").c_str());
  };
  const absl::Status status = FetchInParts(options, "a", *download, replace).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
}

// Equal in size and date: only their content tells them apart.
TEST_F(ClientPartsTest, SourcesThatLookTheSameAndAreNotAreRefused) {
  const Scratch other_root;
  const ServerProcess other({.flags = ServerFlags(other_root)});
  const std::string bytes = RandomBytes(500'000, 5);
  for (const size_t place : {size_t{0}, size_t{250'000}, size_t{499'999}}) {
    std::string changed = bytes;
    changed[place] ^= 1;
    root_.Write("a", bytes);
    other_root.Write("a", changed);
    SetDate(root_, "a", 1'000'000'000);
    SetDate(other_root, "a", 1'000'000'000);
    here_.Write("a", "what was there");
    const ToolRun run = Client({"get", "a", absl::StrCat("--from=", address(), ",", other.address("file"))});
    EXPECT_EQ(run.exit_status, 1) << place;
    EXPECT_NE(run.output.find("the sources differ"), std::string::npos) << run.output;
    EXPECT_EQ(here_.Read("a"), "what was there");
    EXPECT_EQ(here_.Names(), std::vector<std::string>{"a"});
  }
}

TEST_F(ClientPartsTest, CopiesOfOneFileMayHaveDatesOfTheirOwn) {
  const Scratch other_root;
  const ServerProcess other({.flags = ServerFlags(other_root)});
  root_.Write("a", RandomBytes(500'000, 6));
  other_root.Write("a", RandomBytes(500'000, 6));
  SetDate(other_root, "a", 1'000'000'000);
  const ToolRun run = Client({"get", "a", absl::StrCat("--from=", address(), ",", other.address("file"))});
  EXPECT_EQ(run.exit_status, 0) << run.output;
  EXPECT_EQ(Sha256(here_.Read("a")), Sha256(root_.Read("a")));
}

// Replaced within the second, by a file of the same size and date.
TEST_F(ClientPartsTest, ReplacementThatLooksTheSameIsNoticed) {
  root_.Write("a", RandomBytes(500'000, 7));
  root_.Write("new", RandomBytes(500'000, 8));
  SetDate(root_, "a", 1'000'000'000);
  SetDate(root_, "new", 1'000'000'000);
  absl::StatusOr<Download> download = Download::Start(here_.PathOf("a"));
  ASSERT_TRUE(download.ok());
  PartsOptions options;
  options.sources = {*Endpoint::Parse(address())};
  options.segments = 3;
  const auto replace = [this](int64_t, int64_t) { ::rename(root_.PathOf("new").c_str(), root_.PathOf("a").c_str()); };
  const absl::Status status = FetchInParts(options, "a", *download, replace).status();
  EXPECT_TRUE(absl::IsAborted(status)) << status;
}

// A name may have addresses at which no server listens.
TEST_F(ClientPartsTest, EveryAddressOfANameIsTried) {
  const std::string server = absl::StrCat("--server=localhost", address().substr(address().rfind(':')));
  const ToolRun run = RunTool({ProgramPath("client/client"), server, "list"}, here_.path());
  EXPECT_EQ(run.exit_status, 0) << run.output;
}

TEST_F(ClientPartsTest, RefusalIsToldOnce) {
  const ToolRun run = Client({"get", "missing", "--segments=3"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_EQ(here_.Names(), std::vector<std::string>());
}

TEST_F(ClientPartsTest, BackupSendsAllFilesAndNamesWhatItLeavesOut) {
  here_.MakeDirectory("d");
  here_.MakeDirectory("d/below");
  for (int i = 0; i < 20; ++i) here_.Write(absl::StrCat("d/file ", i), RandomBytes(10'000 * i, i));
  here_.Write("d/.hidden", "x");
  for (const char* jobs : {"--jobs=1", "--jobs=5", "--jobs=64"}) {
    const ToolRun run = Client({"backup", "d", jobs});
    EXPECT_EQ(run.exit_status, 1) << run.output;
    EXPECT_NE(run.output.find("20 files"), std::string::npos) << run.output;
    EXPECT_NE(run.output.find("left out: below (a directory; see --recursive)\n"), std::string::npos) << run.output;
    EXPECT_NE(run.output.find("left out: .hidden (hidden)\n"), std::string::npos) << run.output;
    EXPECT_EQ(root_.Names().size(), 20u);
    for (int i = 0; i < 20; ++i) {
      const std::string name = absl::StrCat("file ", i);
      EXPECT_EQ(Sha256(root_.Read(name)), Sha256(here_.Read("d/" + name)));
      ::unlink(root_.PathOf(name).c_str());  // Or the next one would send nothing.
    }
  }
}

TEST_F(ClientPartsTest, RecursiveBackupTakesTheDirectoriesAlong) {
  for (const char* directory : {"d", "d/below", "d/below/deep", "d/empty"}) here_.MakeDirectory(directory);
  here_.Write("d/a", "1");
  here_.Write("d/below/a", "2");
  here_.Write("d/below/deep/a", "3");
  const ToolRun run = Client({"backup", "d", "--recursive"});
  EXPECT_EQ(run.exit_status, 0) << run.output;
  EXPECT_NE(run.output.find("3 files"), std::string::npos) << run.output;
  EXPECT_EQ(root_.Read("a") + root_.Read("below/a") + root_.Read("below/deep/a"), "123");
  EXPECT_EQ(root_.Names(), (std::vector<std::string>{"a", "below", "empty"}));
  here_.Write("d/below/.hidden", "x");
  ASSERT_EQ(::symlink("a", here_.PathOf("d/below/link").c_str()), 0);
  const ToolRun again = Client({"backup", "d", "--recursive"});
  EXPECT_EQ(again.exit_status, 1) << again.output;
  EXPECT_NE(again.output.find("left out: below/.hidden (hidden)\n"), std::string::npos) << again.output;
  EXPECT_NE(again.output.find("left out: below/link (no regular file)\n"), std::string::npos) << again.output;
}

TEST_F(ClientPartsTest, BackupSendsOnlyWhatTheServerDoesNotHave) {
  here_.MakeDirectory("d");
  const std::string large = RandomBytes(2'500'000, 5);  // More than one hash.
  here_.Write("d/large", large);
  here_.Write("d/changed", "before");
  here_.Write("d/empty", "");
  EXPECT_EQ(Client({"backup", "d"}).output, "3 files, 2.4 MiB\n");
  here_.Write("d/changed", "behind");
  here_.Write("d/new", "new");
  const ToolRun run = Client({"backup", "d"});
  EXPECT_EQ(run.exit_status, 0);
  EXPECT_EQ(run.output, "2 files, 9 B, 2 unchanged\n");
  EXPECT_EQ(root_.Read("changed"), "behind");
  EXPECT_EQ(root_.Read("new"), "new");
  // The last byte of the last piece.
  std::string other = large;
  other.back() ^= 1;
  root_.Write("large", other);
  EXPECT_EQ(Client({"backup", "d"}).output, "1 files, 2.4 MiB, 3 unchanged\n");
  EXPECT_EQ(Sha256(root_.Read("large")), Sha256(large));
}

TEST_F(ClientPartsTest, InterruptedGetIsContinued) {
  const std::string large = RandomBytes(2'500'000, 6);
  root_.Write("a b", large);
  for (const std::string& part :
       {std::string(), large.substr(0, 1), large.substr(0, 1'200'000), large, large + "x", RandomBytes(1000, 7)}) {
    here_.Write(".a b.polyserve-part", part);
    here_.Write("a b", "old");
    const ToolRun run = Client({"get", "a b", "--continue"});
    EXPECT_EQ(run.exit_status, 0) << run.output;
    EXPECT_EQ(Sha256(here_.Read("a b")), Sha256(large)) << part.size();
    EXPECT_EQ(here_.Names(), std::vector<std::string>{"a b"});
  }
}

TEST_F(ClientPartsTest, FileOfAnotherDigestIsNotStored) {
  root_.Write("a", "hello\n");
  const std::string right = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
  const std::string wrong = "0891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
  for (const char* way : {"--quiet", "--segments=2", "--continue"}) {
    const ToolRun refused = Client({"get", "a", way, absl::StrCat("--sha256=", wrong)});
    EXPECT_EQ(refused.exit_status, 1);
    EXPECT_TRUE(absl::StrContains(refused.output, right)) << refused.output;
    EXPECT_EQ(here_.Names(), std::vector<std::string>{}) << "no part stays, either";
  }
  EXPECT_EQ(Client({"get", "a", absl::StrCat("--sha256=", absl::AsciiStrToUpper(right))}).exit_status, 0);
  EXPECT_EQ(here_.Read("a"), "hello\n");
}

TEST_F(ClientPartsTest, ListShowsWhatAPatternIsLike) {
  root_.Write("one.txt", "");
  root_.Write("two words.txt", "");
  root_.Write("\u00e4.bin", "");
  const auto names = [this](const std::string& pattern) {
    const ToolRun run = Client({"list", "--json", pattern});
    EXPECT_EQ(run.exit_status, run.output == "[]\nclient: no file is like '" + pattern + "'\n" ? 1 : 0) << run.output;
    std::string found;
    for (const absl::string_view part : absl::StrSplit(run.output, "\"name\":\"")) {
      const size_t end = part.find('"');
      if (part[0] != '[') absl::StrAppend(&found, part.substr(0, end), ";");
    }
    return found;
  };
  EXPECT_EQ(names("*.txt"), "one.txt;two words.txt;");
  EXPECT_EQ(names("?.bin"), "\u00e4.bin;") << "a character, not a byte";
  EXPECT_EQ(names("[a-o]*"), "one.txt;");
  EXPECT_EQ(names("*.iso"), "");
}

TEST_F(ClientPartsTest, NamesAreShownWithoutCommandsForTheTerminal) {
  here_.MakeDirectory("d");
  here_.Write("d/a\xc2\x9b\xe2\x80\xae", "x");
  const ToolRun run = Client({"backup", "d"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_NE(run.output.find("a\\x9b\\u202e: "), std::string::npos) << run.output;
  EXPECT_EQ(root_.Names(), std::vector<std::string>());
}

TEST_F(ClientPartsTest, FileThatIsRefusedDoesNotKeepTheOthers) {
  here_.MakeDirectory("d");
  here_.Write("d/a", "a");
  here_.WriteZeroes("d/large", 4'000'000);
  here_.Write("d/z", "z");
  const ToolRun run = Client({"backup", "d", "--jobs=1"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_NE(run.output.find("large: "), std::string::npos) << run.output;
  EXPECT_EQ(root_.Names(), (std::vector<std::string>{"a", "z"}));
}

TEST_F(ClientPartsTest, MistakesAreUsageErrors) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"get", "a", "--segments=65"},
                                                    {"get", "a", "--segments=-1"},
                                                    {"get", "a", "--segments=2", "-o", "-"},
                                                    {"get", "a", "--continue", "-o", "-"},
                                                    {"get", "a", "--continue", "--segments=2"},
                                                    {"get", "a", "--sha256=abc"},
                                                    {"list", "--continue"},
                                                    {"backup", ".", "--continue"},
                                                    {"list", "--segments=2"},
                                                    {"list", "--jobs=2"},
                                                    {"list", "--recursive"},
                                                    {"backup"},
                                                    {"backup", ".", "--jobs=0"},
                                                    {"backup", ".", "--segments=2"},
                                                    {"get", "a", "--from=nonsense"}}) {
    EXPECT_EQ(Client(arguments).exit_status, 2) << testing::PrintToString(arguments);
  }
  EXPECT_EQ(Client({"backup", "no-such-directory"}).exit_status, 1);
}

}  // namespace

}  // namespace polyserve
