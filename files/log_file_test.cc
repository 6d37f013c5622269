// LogFile: lines of several writers, a file that is rotated, a disk that is full.
#include "files/log_file.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

namespace fs = std::filesystem;

class LogFileTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    path_ = directory_ / "log";
    void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    shared_ = static_cast<Shared*>(memory);
  }
  void TearDown() override { ::munmap(shared_, sizeof(Shared)); }

  static std::string Content(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  struct Shared {  // Among processes.
    std::atomic<int64_t> openings;
    std::atomic<int64_t> lost_lines;
  };

  Shared* shared_ = nullptr;
  fs::path directory_;
  fs::path path_;
};

TEST_F(LogFileTest, AppendsToWhatIsThere) {
  std::ofstream(path_) << "before\n";
  LogFile log(path_.string(), shared_->openings, shared_->lost_lines);
  EXPECT_TRUE(log.Open().ok());
  log.Append("one\n");
  log.Append("two\n");
  EXPECT_EQ(Content(path_), "before\none\ntwo\n");
}

TEST_F(LogFileTest, SaysWhereItCannotBeOpened) {
  LogFile log((directory_ / "none" / "log").string(), shared_->openings, shared_->lost_lines);
  EXPECT_TRUE(absl::IsNotFound(log.Open()));
  log.Append("lost\n");
  EXPECT_EQ(shared_->lost_lines, 1);
}

TEST_F(LogFileTest, IsMadeAnewAfterItWasRenamed) {
  LogFile log(path_.string(), shared_->openings, shared_->lost_lines);
  log.Append("old\n");
  fs::rename(path_, directory_ / "log.1");
  log.Append("still old\n");
  log.Reopen();
  log.Append("new\n");
  EXPECT_EQ(Content(directory_ / "log.1"), "old\nstill old\n");
  EXPECT_EQ(Content(path_), "new\n");
}

TEST_F(LogFileTest, ForkedProcessesReopenItToo) {
  LogFile log(path_.string(), shared_->openings, shared_->lost_lines);
  log.Append("old\n");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    [[maybe_unused]] const ssize_t count = ::read(ready[0], &byte, 1);
    log.Append("child\n");
    ::_exit(0);
  }
  fs::rename(path_, directory_ / "log.1");
  log.Reopen();
  ASSERT_EQ(::write(ready[1], "", 1), 1);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(Content(path_), "child\n");
}

TEST_F(LogFileTest, KeepsTheOldFileWhereThereIsNoNewOne) {
  LogFile log(path_.string(), shared_->openings, shared_->lost_lines);
  log.Append("one\n");
  fs::rename(directory_, directory_.string() + ".moved");
  log.Reopen();
  log.Append("two\n");
  EXPECT_EQ(Content(directory_.string() + ".moved/log"), "one\ntwo\n");
  fs::remove_all(directory_.string() + ".moved");
}

TEST_F(LogFileTest, LinesOfManyWritersDoNotMix) {
  LogFile log(path_.string(), shared_->openings, shared_->lost_lines);
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&log, i] {
      const std::string line = std::string(100, static_cast<char>('a' + i)) + "\n";
      for (int j = 0; j < 500; ++j) {
        log.Append(line);
        if (j % 100 == 0) log.Reopen();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  std::ifstream file(path_);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) EXPECT_EQ(line, std::string(100, line[0]));
  EXPECT_EQ(lines, 2000);
}

TEST_F(LogFileTest, WarnsOnceWhereTheDiskIsFull) {
  testing::internal::CaptureStderr();
  LogFile log("/dev/full", shared_->openings, shared_->lost_lines);
  EXPECT_TRUE(log.Open().ok());
  for (int i = 0; i < 3; ++i) log.Append("lost\n");
  const std::string first = testing::internal::GetCapturedStderr();
  EXPECT_NE(first.find("No space left"), std::string::npos) << first;
  EXPECT_EQ(first.find("No space left"), first.rfind("No space left")) << first;
  EXPECT_EQ(shared_->lost_lines, 3);
}

}  // namespace
}  // namespace polyserve
