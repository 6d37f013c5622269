// LogFile: lines of several writers, a file that is rotated, a disk that is full.
#include "files/log_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/line_output.h"
#include "base/unique_fd.h"
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
    void* memory = ::mmap(nullptr, sizeof(LogHealth), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    health_ = static_cast<LogHealth*>(memory);
  }
  void TearDown() override { ::munmap(health_, sizeof(LogHealth)); }

  static std::string Content(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  LogHealth* health_ = nullptr;  // Shared among processes.
  fs::path directory_;
  fs::path path_;
};

TEST_F(LogFileTest, AppendsToWhatIsThere) {
  std::ofstream(path_) << "before\n";
  LogFile log(path_.string(), *health_);
  EXPECT_TRUE(log.Open().ok());
  log.Append("one\n");
  log.Append("two\n");
  EXPECT_EQ(Content(path_), "before\none\ntwo\n");
}

TEST_F(LogFileTest, SaysWhereItCannotBeOpened) {
  LogFile log((directory_ / "none" / "log").string(), *health_);
  EXPECT_TRUE(absl::IsNotFound(log.Open()));
  log.Append("lost\n");
  EXPECT_EQ(health_->lost, 1);
}

TEST_F(LogFileTest, IsMadeAnewAfterItWasRenamed) {
  LogFile log(path_.string(), *health_);
  log.Append("old\n");
  fs::rename(path_, directory_ / "log.1");
  log.Append("still old\n");
  log.Reopen();
  log.Append("new\n");
  EXPECT_EQ(Content(directory_ / "log.1"), "old\nstill old\n");
  EXPECT_EQ(Content(path_), "new\n");
}

TEST_F(LogFileTest, ForkedProcessesReopenItToo) {
  LogFile log(path_.string(), *health_);
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
  LogFile log(path_.string(), *health_);
  log.Append("one\n");
  fs::rename(directory_, directory_.string() + ".moved");
  log.Reopen();
  log.Append("two\n");
  EXPECT_EQ(Content(directory_.string() + ".moved/log"), "one\ntwo\n");
  fs::remove_all(directory_.string() + ".moved");
}

TEST_F(LogFileTest, LinesOfManyWritersDoNotMix) {
  LogFile log(path_.string(), *health_);
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
  LogFile log("/dev/full", *health_);
  EXPECT_TRUE(log.Open().ok());
  for (int i = 0; i < 3; ++i) log.Append("lost\n");
  const std::string first = testing::internal::GetCapturedStderr();
  EXPECT_NE(first.find("No space left"), std::string::npos) << first;
  EXPECT_EQ(first.find("No space left"), first.rfind("No space left")) << first;
  EXPECT_EQ(health_->lost, 3);
}

TEST_F(LogFileTest, FifoWithoutAReaderIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  LogFile log(path_.string(), *health_);
  const absl::Status status = log.Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("FIFO"), std::string::npos) << status;
}

TEST_F(LogFileTest, FileThatIsLeasedIsRefusedAtOnce) {
  const UniqueFd lease(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ::signal(SIGIO, SIG_IGN);  // How the holder would be asked to give it up.
  ASSERT_EQ(::fcntl(lease.get(), F_SETLEASE, F_WRLCK), 0);
  LogFile log(path_.string(), *health_);
  const absl::Status status = log.Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
}

TEST_F(LogFileTest, FifoThatIsNotReadLosesLinesAndSaysHowManyOnceItIs) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const UniqueFd reader(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  LogFile log(path_.string(), *health_);
  ASSERT_TRUE(log.Open().ok());
  testing::internal::CaptureStderr();
  while (health_->lost < 10) log.Append("a line\n");
  std::string bytes(1 << 20, 0);
  ASSERT_GT(::read(reader.get(), bytes.data(), bytes.size()), 0);
  log.Append("a line\n");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("lines of the log are being lost"), std::string::npos) << said;
  EXPECT_NE(said.find("10 were lost"), std::string::npos) << said;
  bytes.resize(static_cast<size_t>(::read(reader.get(), bytes.data(), bytes.size())));
  EXPECT_EQ(bytes, "a line\n");
}

TEST_F(LogFileTest, FileThatEndsWithinALineIsGoneOnWithOnANewOne) {
  std::ofstream(path_) << "whole\ncut o";
  LogFile log(path_.string(), *health_);
  ASSERT_TRUE(log.Open().ok());
  log.Append("next\n");
  EXPECT_EQ(Content(path_), "whole\ncut o\nnext\n");
  std::ofstream(path_) << "another";
  log.Reopen();
  log.Append("one\n");
  EXPECT_EQ(Content(path_), "another\none\n");
}

// Several processes find the disk full, and then not: no line is glued to another one, and each that is not there is
// counted. The limit on a file's size stands for the disk's.
TEST_F(LogFileTest, LinesOfSeveralProcessesAreWholeOrCountedWhereTheDiskIsFullForAWhile) {
  constexpr int kProcesses = 4, kLines = 200;
  int found_full[2], room_again[2];
  ASSERT_EQ(::pipe(found_full), 0);
  ASSERT_EQ(::pipe(room_again), 0);
  char bytes[kProcesses] = {};
  for (int i = 0; i < kProcesses; ++i) {
    if (::fork() != 0) continue;
    ::signal(SIGXFSZ, SIG_IGN);
    LogFile log(path_.string(), *health_);
    const std::string line = std::string(99, static_cast<char>('a' + i)) + "\n";
    const rlimit full = {10'050, RLIM_INFINITY}, room = {RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &full);
    for (int j = 0; j < kLines; ++j) log.Append(line);
    if (::write(found_full[1], bytes, 1) != 1 || ::read(room_again[0], bytes, 1) != 1) ::_exit(1);
    ::setrlimit(RLIMIT_FSIZE, &room);
    for (int j = 0; j < kLines; ++j) log.Append(line);
    ::_exit(0);
  }
  for (int i = 0; i < kProcesses; ++i) EXPECT_EQ(::read(found_full[0], bytes, 1), 1);
  EXPECT_EQ(::write(room_again[1], bytes, kProcesses), kProcesses);
  while (::wait(nullptr) > 0) {
  }
  std::ifstream file(path_);
  int whole = 0, torn = 0;
  for (std::string line; std::getline(file, line);) {
    EXPECT_EQ(line, std::string(line.size(), line[0]));
    line.size() == 99 ? ++whole : ++torn;
  }
  EXPECT_EQ(torn, 1);
  EXPECT_EQ(whole + health_->lost, 2 * kProcesses * kLines);
}

}  // namespace
}  // namespace polyserve
