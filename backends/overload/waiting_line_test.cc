// WaitingLine: the order in which it gives out what waits, and what it refuses, in a time that the test decides.
#include "backends/overload/waiting_line.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "backends/overload/overload_options.h"
#include "gtest/gtest.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

using Name = std::unique_ptr<std::string>;  // As a connection, it moves only.
using Line = WaitingLine<Name>;

class WaitingLineTest : public testing::Test {
 protected:
  static Line::Clock::time_point At(int ms) {
    return Line::Clock::time_point() + std::chrono::hours(1) + std::chrono::milliseconds(ms);
  }

  // The name of the one that is refused; "": nobody.
  static std::string Add(Line& line, const std::string& name, int ms) {
    const std::optional<Name> refused = line.Add(std::make_unique<std::string>(name), At(ms));
    return refused.has_value() ? **refused : "";
  }

  // The name of the one whose turn it is, with a "!" if it has waited for too long; "": nobody is left.
  static std::string Take(Line& line, int ms) {
    const std::optional<Line::Taken> next = line.Take(At(ms));
    if (!next.has_value()) return "";
    return *next->one + (next->is_overdue ? "!" : "");
  }

  static std::string TakeAll(Line& line, int ms) {
    std::string all;
    for (std::string name = Take(line, ms); !name.empty(); name = Take(line, ms)) all += name;
    return all;
  }

  QueueCounters counters_;
};

TEST_F(WaitingLineTest, OldestComesFirst) {
  Line line(OverloadOptions(), counters_);
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(Add(line, name, 0), "");
  EXPECT_EQ(TakeAll(line, 1), "abc");
  EXPECT_TRUE(line.empty());
}

TEST_F(WaitingLineTest, NewestComesFirstAndTheOldestIsRefused) {
  Line line({.rule = Overload::kNewest, .most_waiting = 2}, counters_);
  EXPECT_EQ(Add(line, "a", 0), "");
  EXPECT_EQ(Add(line, "b", 1), "");
  EXPECT_EQ(Add(line, "c", 2), "a");
  EXPECT_EQ(counters_.waiting, 2);
  EXPECT_EQ(TakeAll(line, 3), "cb");
  EXPECT_EQ(counters_.waiting, 0);
}

TEST_F(WaitingLineTest, NewcomerIsRefusedIfItIsFull) {
  Line line({.rule = Overload::kRefuse, .most_waiting = 1}, counters_);
  EXPECT_EQ(Add(line, "a", 0), "");
  EXPECT_EQ(Add(line, "b", 0), "b");
  EXPECT_EQ(Take(line, 1000), "a");
  EXPECT_EQ(Add(line, "c", 1000), "");
}

TEST_F(WaitingLineTest, WhatMayNotBeRefusedComesBehindTheOthersThoughItIsFull) {
  Line line({.rule = Overload::kRefuse, .most_waiting = 1}, counters_);
  EXPECT_EQ(Add(line, "a", 0), "");
  EXPECT_TRUE(line.is_full());
  EXPECT_FALSE(line.Add(std::make_unique<std::string>("b"), At(0), /*may_be_refused=*/false).has_value());
  EXPECT_EQ(Add(line, "c", 0), "c");
  EXPECT_EQ(TakeAll(line, 1), "ab");
}

TEST_F(WaitingLineTest, WhatHasWaitedForTooLongIsFoundAtItsTurnOrBefore) {
  Line line({.rule = Overload::kDeadline,
             .most_waiting = 10,
             .target = absl::Milliseconds(5),
             .interval = absl::Milliseconds(100)},
            counters_);
  for (const char* name : {"a", "b", "c"}) Add(line, name, 0);
  Add(line, "d", 90);
  EXPECT_EQ(line.UntilOverdue(At(40)), absl::Milliseconds(60));
  EXPECT_EQ(Take(line, 50), "a");
  EXPECT_FALSE(line.TakeOverdue(At(100)).has_value());
  EXPECT_EQ(**line.TakeOverdue(At(101)), "b");
  EXPECT_EQ(Take(line, 101), "c!");
  EXPECT_EQ(Take(line, 101), "d!") << "the queue was never empty for an interval, so the target holds";
  EXPECT_EQ(line.UntilOverdue(At(101)), absl::InfiniteDuration());
  EXPECT_EQ(counters_.waiting, 0);
}

TEST_F(WaitingLineTest, OldestCanBeHadUnderEveryRule) {
  Line line({.rule = Overload::kNewest, .most_waiting = 2}, counters_);
  Add(line, "a", 0);
  Add(line, "b", 0);
  EXPECT_EQ(**line.TakeOldest(), "a");
  EXPECT_EQ(**line.TakeOldest(), "b");
  EXPECT_FALSE(line.TakeOldest().has_value());
  EXPECT_EQ(counters_.waiting, 0);
}

}  // namespace

}  // namespace polyserve
