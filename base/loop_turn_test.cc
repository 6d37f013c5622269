#include "base/loop_turn.h"

#include <cstdint>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

TEST(LoopTurnTest, EndsWithItsScope) {
  EXPECT_EQ(LoopTurn::current(), 0u);
  {
    const LoopTurn turn;
    EXPECT_NE(LoopTurn::current(), 0u);
    EXPECT_EQ(LoopTurn::current(), LoopTurn::current());
  }
  EXPECT_EQ(LoopTurn::current(), 0u);
}

TEST(LoopTurnTest, RenewedTurnIsAnotherOne) {
  LoopTurn::Renew();
  EXPECT_EQ(LoopTurn::current(), 0u) << "there is none";
  const LoopTurn turn;
  const uint64_t before = LoopTurn::current();
  LoopTurn::Renew();
  EXPECT_NE(LoopTurn::current(), 0u);
  EXPECT_NE(LoopTurn::current(), before);
}

TEST(LoopTurnTest, NoNumberIsUsedTwice) {
  constexpr int kThreads = 4, kTurns = 1000;
  std::mutex mutex;
  std::set<uint64_t> seen;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < kTurns; ++k) {
        const LoopTurn turn;
        const std::lock_guard<std::mutex> lock(mutex);
        seen.insert(LoopTurn::current());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen.size(), static_cast<size_t>(kThreads * kTurns));
}

}  // namespace
}  // namespace polyserve
