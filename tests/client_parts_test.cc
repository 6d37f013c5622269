// The client with several connections at a time: a file in parts, from one server or several, and whole directories.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
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
  const timespec long_ago[] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, root_.PathOf("a").c_str(), long_ago, 0), 0);
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

TEST_F(ClientPartsTest, RefusalIsToldOnce) {
  const ToolRun run = Client({"get", "missing", "--segments=3"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_EQ(here_.Names(), std::vector<std::string>());
}

TEST_F(ClientPartsTest, BackupSendsAllFiles) {
  here_.MakeDirectory("d");
  here_.MakeDirectory("d/below");
  for (int i = 0; i < 20; ++i) here_.Write(absl::StrCat("d/file ", i), RandomBytes(10'000 * i, i));
  here_.Write("d/.hidden", "x");
  for (const char* jobs : {"--jobs=1", "--jobs=5", "--jobs=64"}) {
    const ToolRun run = Client({"backup", "d", jobs});
    EXPECT_EQ(run.exit_status, 0) << run.output;
    EXPECT_NE(run.output.find("20 files"), std::string::npos) << run.output;
    EXPECT_NE(run.output.find("left out, being no file: below"), std::string::npos) << run.output;
    EXPECT_EQ(root_.Names().size(), 20u);
    for (int i = 0; i < 20; ++i) {
      const std::string name = absl::StrCat("file ", i);
      EXPECT_EQ(Sha256(root_.Read(name)), Sha256(here_.Read("d/" + name)));
    }
  }
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
                                                    {"list", "--segments=2"},
                                                    {"list", "--jobs=2"},
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
