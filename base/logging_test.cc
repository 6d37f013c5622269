// What is logged and what is not, the form of a line, how often it comes, and how a failed check ends the process.
#include "base/logging.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>

#include "base/line_output.h"
#include "base/log_flood.h"
#include "base/log_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

std::string Logged(void (*log)()) {
  testing::internal::CaptureStderr();
  log();
  return testing::internal::GetCapturedStderr();
}

size_t CountLines(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

TEST(LoggingTest, LineSaysHowBadItIsAndWhenAndWhere) {
  EXPECT_THAT(Logged([] { LOG(WARNING) << "no descriptor " << 7; }),
              testing::MatchesRegex("W[0-9]+ [0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9]+ [0-9]+ "
                                    "logging_test.cc:[0-9]+\\] no descriptor 7\n"));
  EXPECT_EQ(Logged([] { LOG(ERROR) << "x"; })[0], 'E');
  EXPECT_EQ(Logged([] { LOG(INFO) << "x"; })[0], 'I');
}

TEST(LoggingTest, WhatAPeerSentNeitherForgesALineNorCommandsATerminal) {
  EXPECT_THAT(Logged([] { LOG(INFO) << "name: a\nW1\x1b[2J\xc2\x9b\xff\u202E"; }),
              testing::EndsWith("] name: a\\x0aW1\\x1b[2J\\x9b\\xff\\u202e\n"));
}

TEST(LoggingTest, ErrnoIsAsItWas) {
  const auto log = [] {
    errno = EMFILE;
    LOG(INFO) << "x";
    LOG_FLOOD(INFO) << "x";
  };
  Logged(log);
  EXPECT_EQ(errno, EMFILE);
}

TEST(LoggingTest, LineThatIsTooLongIsCut) {
  const std::string text = Logged([] { LOG(INFO) << std::string(2 * kMaxLogLineBytes, 'x'); });
  EXPECT_EQ(text.size(), kMaxLogLineBytes);
  EXPECT_THAT(text, testing::EndsWith("xx ...\n"));
}

TEST(LoggingTest, LogThatTakesNoMoreLosesLinesAndSaysHowManyOnceItDoes) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const int standard_error = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  LogHealth health;
  static LogFloods floods;
  ShareLog(health, floods);
  while (health.lost < 3) LOG(INFO) << "flood";
  std::string before(1 << 20, 0);
  ASSERT_GT(::read(ends[0], before.data(), before.size()), 0);
  LOG(INFO) << "it flows";
  std::string after(1 << 20, 0);
  after.resize(static_cast<size_t>(::read(ends[0], after.data(), after.size())));
  ::dup2(standard_error, STDERR_FILENO);
  for (const int fd : {standard_error, ends[0], ends[1]}) ::close(fd);
  EXPECT_THAT(after, testing::HasSubstr("it flows\n"));
  EXPECT_THAT(after, testing::HasSubstr(" 3 lines of this log were lost"));
  EXPECT_EQ(CountLines(after), 2u);
  static LogHealth for_the_rest;
  ShareLog(for_the_rest, floods);
}

// Sets what the log has for one test.
class WithLogOptions {
 public:
  explicit WithLogOptions(const LogOptions& options) { SetLogOptions(options); }
  ~WithLogOptions() { SetLogOptions({}); }
  WithLogOptions(const WithLogOptions&) = delete;
  WithLogOptions& operator=(const WithLogOptions&) = delete;
};

int g_evaluated = 0;
int Evaluate() { return ++g_evaluated; }

TEST(LoggingTest, WhatIsBelowTheLevelIsNeitherEvaluatedNorWritten) {
  const auto log = [] {
    LOG(INFO) << "info " << Evaluate();
    LOG_EVERY_T(INFO, 3600) << "info " << Evaluate();
    LOG_FLOOD(INFO) << "info " << Evaluate();
    LOG(WARNING) << "warning";
    LOG(ERROR) << "error";
  };
  {
    const WithLogOptions warnings({.least = LogSeverity::WARNING});
    g_evaluated = 0;
    EXPECT_THAT(Logged(log), testing::MatchesRegex("W[^\n]*warning\nE[^\n]*error\n"));
    EXPECT_EQ(g_evaluated, 0);
  }
  {
    const WithLogOptions errors({.least = LogSeverity::ERROR});
    EXPECT_THAT(Logged(log), testing::MatchesRegex("E[^\n]*error\n"));
    EXPECT_DEATH(CHECK(1 > 2) << "why", "Check failed: 1 > 2 why");
  }
  // Nothing was counted meanwhile.
  EXPECT_EQ(CountLines(Logged(log)), 5u);
  EXPECT_EQ(g_evaluated, 3);
}

TEST(LoggingTest, LinesMayBeObjectsOfJson) {
  const WithLogOptions json({.format = LogFormat::kJson});
  EXPECT_THAT(
      Logged([] { LOG(WARNING) << "a \"name\"\n"; }),
      testing::MatchesRegex("[{]\"time\":\"[0-9T:.Z-]+\",\"severity\":\"WARNING\",\"pid\":[0-9]+,\"tid\":[0-9]+,"
                            "\"source\":\"logging_test.cc:[0-9]+\",\"message\":\"a ..name...u000a\"[}]\n"));
  EXPECT_THAT(Logged([] { LogInHandler("it is over"); }),
              testing::MatchesRegex("[{]\"time\":\"[0-9T:.Z-]+\",\"severity\":\"WARNING\",\"pid\":[0-9]+,"
                                    "\"message\":\"it is over\"[}]\n"));
}

TEST(LoggingTest, HandlerLogsText) {
  EXPECT_EQ(Logged([] { LogInHandler("it is over"); }), "polyserve: it is over\n");
}

TEST(LoggingTest, FloodIsCutAndTheRestOfItIsCountedAtTheEnd) {
  const std::string text = Logged([] {
    for (int i = 0; i < 250; ++i) LOG_FLOOD(WARNING) << "i=" << i;
    LOG(INFO) << "another place";
  });
  EXPECT_THAT(text, testing::HasSubstr("i=9\n"));
  EXPECT_THAT(text, testing::HasSubstr("another place\n"));
  EXPECT_EQ(CountLines(text), 11u);
  EXPECT_THAT(
      Logged(&ReportLeftOutLines),
      testing::MatchesRegex("W[^\n]* logging_test.cc:[0-9]+\\] left out of a flood: 240 lines like this one\n"));
  EXPECT_EQ(Logged(&ReportLeftOutLines), "");
}

// The flood stops with the first line that is left out; so only a line of another place can bring the report.
TEST(LoggingTest, EndOfAFloodIsReportedBehindALineOfAnyPlace) {
  static LogHealth health;
  static LogFloods floods;
  ShareLog(health, floods);
  const std::string text = Logged([] {
    constexpr FloodLimit kOneInAMillisecond = {.lines = 1, .window_ms = 1};
    while (!floods.has_left_out()) LOG_FLOOD_UP_TO(ERROR, kOneInAMillisecond) << "flood";
    while (floods.has_left_out()) LOG(INFO) << "another place";
  });
  EXPECT_THAT(text, testing::HasSubstr("another place\nE"));
  EXPECT_THAT(text, testing::EndsWith("] left out of a flood: 1 line like this one\n"));
}

TEST(LoggingTest, LineOfATimeComesOnceInIt) {
  const auto log = [] {
    for (int i = 0; i < 20; ++i) LOG_EVERY_T(WARNING, 3600) << "i=" << i;
  };
  EXPECT_THAT(Logged(log), testing::HasSubstr("i=0"));
  EXPECT_EQ(CountLines(Logged(log)), 0u);
}

TEST(LoggingDeathTest, FailedCheckSaysWhatAndWhyAndEndsTheProcess) {
  CHECK(true) << "is not said";
  CHECK_EQ(1, 1);
  CHECK_LE(1, 2) << "nor this";
  EXPECT_DEATH(CHECK(1 > 2) << "why", "Check failed: 1 > 2 why");
  const auto check_errno = [] {
    errno = ENOENT;
    PCHECK(false) << "open";
  };
  EXPECT_DEATH(check_errno(), "Check failed: false open: No such file or directory \\[2\\]");
}

}  // namespace

}  // namespace polyserve
