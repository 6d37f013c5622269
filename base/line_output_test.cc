// LineOutput: outputs that take no more, or only a part of a line, and what is counted.
#include "base/line_output.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

const std::string kLine = absl::StrCat(std::string(99, 'x'), "\n");

// All that waits in a non-blocking descriptor.
std::string ReadAll(int fd) {
  std::string all;
  char bytes[4096];
  for (ssize_t count; (count = ::read(fd, bytes, sizeof(bytes))) > 0;) all.append(bytes, static_cast<size_t>(count));
  return all;
}

bool IsNonBlocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

// Writes lines until one is lost; the test hangs if a write waits.
int FillUp(const LineOutput& output, LogHealth& health) {
  int lines = 0;
  while (output.Append(kLine, health)) ++lines;
  EXPECT_EQ(health.lost, 1);
  EXPECT_FALSE(output.Append(kLine, health));
  EXPECT_EQ(health.lost, 2);
  EXPECT_EQ(health.unreported, 2);
  return lines;
}

// Expects that the bytes are these many lines, each whole.
void ExpectWholeLines(const std::string& bytes, int count) {
  std::string expected;
  for (int i = 0; i < count; ++i) expected += kLine;
  EXPECT_EQ(bytes, expected);
}

class PipeTest : public testing::TestWithParam<LineOutput::Kind> {};

TEST_P(PipeTest, FullPipeLosesWholeLinesAndTakesThemAgainOnceItIsRead) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]), others(::dup(ends[1]));
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(reader.get(), F_SETPIPE_SZ, 4096);
  const bool owns = GetParam() == LineOutput::Kind::kAtOnce;
  const LineOutput output = owns ? LineOutput::Own(writer.get()) : LineOutput(writer.get(), GetParam());
  EXPECT_EQ(IsNonBlocking(writer.get()), owns);
  EXPECT_FALSE(IsNonBlocking(others.get())) << "what others hold is theirs";
  LogHealth health;
  const int lines = FillUp(output, health);
  EXPECT_GT(lines, 0);
  ExpectWholeLines(ReadAll(reader.get()), lines);
  EXPECT_TRUE(output.Append(kLine, health));
  ExpectWholeLines(ReadAll(reader.get()), 1);
  EXPECT_EQ(health.lost, 2);
}

INSTANTIATE_TEST_SUITE_P(OwnedAndPolled, PipeTest,
                         testing::Values(LineOutput::Kind::kAtOnce, LineOutput::Kind::kPolled));

TEST(LineOutputTest, FullSocketLosesWholeLines) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  LogHealth health;
  const LineOutput output = LineOutput::Own(writer.get());
  EXPECT_FALSE(IsNonBlocking(writer.get()));
  ExpectWholeLines(ReadAll(reader.get()), 0);
  const int lines = FillUp(output, health);
  ExpectWholeLines(ReadAll(reader.get()), lines);
}

// As Ctrl-S does it.
TEST(LineOutputTest, StoppedTerminalLosesLines) {
  const UniqueFd screen(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(screen.ok());
  ASSERT_EQ(::grantpt(screen.get()), 0);
  ASSERT_EQ(::unlockpt(screen.get()), 0);
  const UniqueFd terminal(::open(::ptsname(screen.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  ASSERT_TRUE(terminal.ok());
  const LineOutput output = LineOutput::Own(terminal.get());
  LogHealth health;
  ASSERT_EQ(::tcflow(terminal.get(), TCOOFF), 0);
  EXPECT_FALSE(output.Append(kLine, health));
  EXPECT_EQ(health.lost, 1);
  ASSERT_EQ(::tcflow(terminal.get(), TCOON), 0);
  EXPECT_TRUE(output.Append(kLine, health));
}

// A full disk; here it is the process's own limit on files (SIGXFSZ is ignored by then), which ends in the same way.
TEST(LineOutputTest, LineThatIsCutOffEndsBeforeTheNextOneAndIsCounted) {
  const std::string path = absl::StrCat(testing::TempDir(), "/torn.log");
  ::unlink(path.c_str());
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    const LineOutput output = LineOutput::Own(file.get());
    LogHealth health;
    const rlimit full = {250, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &full);
    for (int i = 0; i < 5; ++i) output.Append(kLine, health);
    const rlimit room = {RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &room);
    output.Append("after\n", health);
    output.Append("after\n", health);
    ::_exit(static_cast<int>(health.lost.load()));
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  std::ifstream file(path);
  const std::string content(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(content, absl::StrCat(kLine, kLine, std::string(50, 'x'), "\nafter\nafter\n"));
}

}  // namespace
}  // namespace polyserve
