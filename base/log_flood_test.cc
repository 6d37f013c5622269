// Which lines of a flood are left, and that each of the others is in exactly one report, whichever thread or process is
// quicker.
#include "base/log_flood.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <thread>
#include <vector>

#include "base/log_format.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

constexpr FloodLimit kThreeInASecond = {.lines = 3, .window_ms = 1000};
constexpr int64_t kStart = 5'000'000;  // Of the clock.
constexpr int64_t kForEver = std::numeric_limits<int64_t>::max();

constexpr LogPlace PlaceOf(int line) {
  constexpr uint64_t kKey = LogPlace::KeyOf("folder/some_file.cc", 1);
  return {LogSeverity::WARNING, "folder/some_file.cc", line, kKey + static_cast<uint64_t>(line)};
}

class LogFloodsTest : public testing::Test {
 protected:
  // How many of so many lines of a place may be logged at this time. Adds what was to be reported in front of one.
  int Log(int lines, const LogPlace& place, int64_t now_ms) {
    int logged = 0;
    for (int i = 0; i < lines; ++i) {
      int64_t left_out = 0;
      if (floods_.MayLog(place, kThreeInASecond, now_ms, left_out)) ++logged;
      reported_ += left_out;
    }
    return logged;
  }

  LogFloods floods_ = {};
  int64_t reported_ = 0;
};

TEST_F(LogFloodsTest, FirstLinesOfAWindowAreLeftAndTheNextWindowReportsTheOthers) {
  EXPECT_EQ(Log(10, PlaceOf(7), kStart), 3);
  EXPECT_EQ(Log(10, PlaceOf(7), kStart + 999), 0);
  EXPECT_TRUE(floods_.has_left_out());
  EXPECT_EQ(reported_, 0);
  EXPECT_EQ(Log(1, PlaceOf(7), kStart + 1000), 1);
  EXPECT_EQ(reported_, 17);
  EXPECT_FALSE(floods_.has_left_out());
  EXPECT_EQ(Log(9, PlaceOf(7), kStart + 1001), 2);
  EXPECT_EQ(Log(1, PlaceOf(7), kStart + 5000), 1);
  EXPECT_EQ(reported_, 24);
  EXPECT_EQ(floods_.total(), 24);
}

TEST_F(LogFloodsTest, PlacesHaveWindowsOfTheirOwn) {
  EXPECT_EQ(Log(5, PlaceOf(7), kStart), 3);
  EXPECT_EQ(Log(5, PlaceOf(8), kStart), 3);
  EXPECT_EQ(Log(1, PlaceOf(7), kStart + 1000), 1);
  EXPECT_EQ(reported_, 2);
}

TEST_F(LogFloodsTest, FloodThatHasEndedIsReportedByWhoeverAsks) {
  Log(10, PlaceOf(7), kStart);
  EXPECT_FALSE(floods_.TakeReport(kStart + 999).has_value()) << "it may go on";
  const std::optional<LogFloods::Report> report = floods_.TakeReport(kStart + 1000);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->lines, 7);
  EXPECT_EQ(report->source, "some_file.cc:7");
  EXPECT_EQ(report->severity, LogSeverity::WARNING);
  EXPECT_FALSE(floods_.has_left_out());
  EXPECT_FALSE(floods_.TakeReport(kForEver).has_value());
  Log(1, PlaceOf(7), kStart + 2000);
  EXPECT_EQ(reported_, 0);
}

TEST_F(LogFloodsTest, AtTheEndFloodsThatGoOnAreReportedAsWell) {
  Log(10, PlaceOf(7), kStart);
  Log(5, PlaceOf(8), kStart);
  int64_t lines = 0;
  while (const std::optional<LogFloods::Report> report = floods_.TakeReport(kForEver)) lines += report->lines;
  EXPECT_EQ(lines, 9);
}

// More than there are slots: the last ones share one, and are cut together, rather than not at all.
TEST_F(LogFloodsTest, ManyPlacesAreAllCut) {
  int logged = 0;
  for (int line = 0; line < 1000; ++line) logged += Log(10, PlaceOf(line), kStart);
  EXPECT_GE(logged, 3 * 100);
  EXPECT_LE(logged, 3 * 1000);
  int64_t left_out = 0;
  while (const std::optional<LogFloods::Report> report = floods_.TakeReport(kForEver)) left_out += report->lines;
  EXPECT_EQ(logged + left_out, 10 * 1000);
}

TEST_F(LogFloodsTest, ThreadsTogetherHaveOneLimitAndNoLineIsCountedTwice) {
  constexpr int kThreads = 4, kLines = 20'000;
  std::atomic<int64_t> logged = 0, reported = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int line = 0; line < kLines; ++line) {
        int64_t left_out = 0;
        // Two windows, whichever thread gets to the second one first.
        const int64_t now_ms = kStart + (line < kLines / 2 ? 0 : 1000);
        if (floods_.MayLog(PlaceOf(7), kThreeInASecond, now_ms, left_out)) ++logged;
        reported += left_out;
        if (const std::optional<LogFloods::Report> report = floods_.TakeReport(kStart + 1000)) {
          reported += report->lines;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (const std::optional<LogFloods::Report> report = floods_.TakeReport(kForEver)) reported += report->lines;
  EXPECT_EQ(logged, 6);
  EXPECT_EQ(logged + reported, kThreads * kLines);
}

TEST(SharedLogFloodsTest, ProcessesTogetherHaveOneLimit) {
  constexpr int kProcesses = 3, kLines = 100;
  void* const memory = ::mmap(nullptr, sizeof(LogFloods), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& floods = *static_cast<LogFloods*>(memory);  // The kernel's zeroes are a valid one.
  int64_t left_out = 0;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      int logged = 0;
      for (int line = 0; line < kLines; ++line) logged += floods.MayLog(PlaceOf(7), kThreeInASecond, kStart, left_out);
      ::_exit(logged);
    }
  }
  int logged = 0;
  for (int i = 0; i < kProcesses; ++i) {
    int status = 0;
    ASSERT_GT(::wait(&status), 0);
    logged += WEXITSTATUS(status);
  }
  EXPECT_EQ(logged, 3);
  const std::optional<LogFloods::Report> report = floods.TakeReport(kForEver);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->lines, kProcesses * kLines - 3);
  EXPECT_EQ(report->source, "some_file.cc:7");
  ::munmap(memory, sizeof(LogFloods));
}

}  // namespace

}  // namespace polyserve
