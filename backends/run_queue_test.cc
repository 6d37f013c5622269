// RunQueue: the order, how much is taken, and, from several threads at once, that each item is taken once.
#include "backends/run_queue.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace polyserve {

namespace {

struct Item {
  int number = 0;  // Written before Put(), read by whoever takes it.
  int taken = 0;   // Not atomic: ThreadSanitizer would find a second one who has taken it.
};

using Queue = RunQueue<Item>;
using Share = Queue::Share;

std::vector<int> Take(Queue& queue, Share share) {
  std::array<Item*, Queue::kMostTaken> items;
  const size_t count = queue.Take(share, items.data());
  std::vector<int> numbers;
  for (size_t i = 0; i < count; ++i) numbers.push_back(items[i]->number);
  return numbers;
}

class RunQueueTest : public testing::Test {
 protected:
  // Not on the stack: with AddressSanitizer, gcc does not align that for a queue (its bug 110027).
  template <typename... Places>
  Queue& Make(Places... places) {
    return queues_.emplace_back(places...);
  }
  void Put(Queue& queue, int count) {
    for (int i = 0; i < count; ++i) {
      items_.push_back({.number = next_++});
      queue.Put(items_.back());
    }
  }

 private:
  std::deque<Queue> queues_;
  std::deque<Item> items_;  // Whose items stay where they are.
  int next_ = 1;
};

TEST_F(RunQueueTest, EmptyOneHasNothing) {
  Queue& queue = Make();
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_TRUE(Take(queue, Share::kOne).empty());
  EXPECT_TRUE(Take(queue, Share::kHalf).empty());
}

TEST_F(RunQueueTest, OldestComesFirst) {
  Queue& queue = Make();
  Put(queue, 3);
  EXPECT_EQ(Take(queue, Share::kOne), std::vector<int>{1});
  Put(queue, 1);
  EXPECT_EQ(Take(queue, Share::kOne), std::vector<int>{2});
  EXPECT_EQ(Take(queue, Share::kOne), std::vector<int>{3});
  EXPECT_EQ(Take(queue, Share::kOne), std::vector<int>{4});
  EXPECT_EQ(queue.size(), 0U);
}

TEST_F(RunQueueTest, ThiefTakesTheOlderHalfAndTheOneInTheMiddle) {
  Queue& queue = Make();
  Put(queue, 7);
  EXPECT_EQ(Take(queue, Share::kHalf), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(Take(queue, Share::kHalf), (std::vector<int>{5, 6}));
  EXPECT_EQ(Take(queue, Share::kHalf), std::vector<int>{7});
}

TEST_F(RunQueueTest, ThiefTakesNoMoreThanItHasRoomFor) {
  Queue& queue = Make();
  Put(queue, 1000);
  EXPECT_EQ(Take(queue, Share::kHalf).size(), Queue::kMostTaken);
  EXPECT_EQ(queue.size(), 1000 - Queue::kMostTaken);
}

TEST_F(RunQueueTest, GrowsWithoutLosingTheOrder) {
  Queue& queue = Make(/*places=*/2);
  int expected = 1;
  for (int round = 0; round < 50; ++round) {
    Put(queue, round % 7);
    for (int i = 0; i < round % 5; ++i) {
      for (const int number : Take(queue, Share::kOne)) EXPECT_EQ(number, expected++);
    }
  }
  while (queue.size() > 0) {
    for (const int number : Take(queue, Share::kHalf)) EXPECT_EQ(number, expected++);
  }
}

// Workers as those of the model: each takes from its own queue, or else half of another one's, which it puts into its
// own. One of them makes all items, in bursts, so that all others live by stealing, and queues of two places grow while
// they are being robbed.
class HammerTest : public testing::TestWithParam<Share> {};
INSTANTIATE_TEST_SUITE_P(, HammerTest, testing::Values(Share::kOne, Share::kHalf));

TEST_P(HammerTest, EachItemIsTakenOnceAndInTheOrderOfItsQueue) {
  constexpr int kThieves = 3;
  constexpr int kItems = 40'000;
  std::vector<Item> items(kItems);
  std::deque<Queue> queues;
  for (int i = 0; i <= kThieves; ++i) queues.emplace_back(/*places=*/2);
  std::atomic<int> left = kItems;
  std::atomic<bool> is_in_order = true;

  const auto serve = [&](Item& item) {
    ++item.taken;
    left.fetch_sub(1, std::memory_order_relaxed);
  };
  // What one taker gets from the maker's queue becomes newer and newer.
  const auto check = [&](int& last, int number) {
    if (number <= last) is_in_order = false;
    last = number;
  };
  const auto steal = [&](int self, int& last) {
    std::array<Item*, Queue::kMostTaken> loot;
    for (int i = 1; i <= kThieves; ++i) {
      const auto victim = static_cast<size_t>((self + i) % (kThieves + 1));
      const size_t count = queues[victim].Take(GetParam(), loot.data());
      for (size_t k = 0; victim == 0 && k < count; ++k) check(last, loot[k]->number);
      for (size_t k = 1; k < count; ++k) queues[static_cast<size_t>(self)].Put(*loot[k]);
      if (count > 0) return serve(*loot[0]);
    }
    std::this_thread::yield();
  };

  std::vector<std::thread> thieves;
  for (int self = 1; self <= kThieves; ++self) {
    thieves.emplace_back([&, self] {
      int last = 0;
      Item* item = nullptr;
      while (left.load(std::memory_order_relaxed) > 0) {
        if (queues[static_cast<size_t>(self)].Take(Share::kOne, &item) == 1) {
          serve(*item);
        } else {
          steal(self, last);
        }
      }
    });
  }
  int last = 0;
  for (int next = 0; next < kItems;) {
    for (const int end = std::min(kItems, next + 1 + next % 300); next < end; ++next) {
      items[static_cast<size_t>(next)].number = next + 1;
      queues[0].Put(items[static_cast<size_t>(next)]);
    }
    Item* item = nullptr;
    for (int i = 0; i < 100 && queues[0].Take(Share::kOne, &item) == 1; ++i) {
      check(last, item->number);
      serve(*item);
    }
  }
  Item* item = nullptr;
  while (queues[0].Take(Share::kOne, &item) == 1) serve(*item);
  for (std::thread& thief : thieves) thief.join();

  EXPECT_EQ(left, 0);
  EXPECT_TRUE(is_in_order);
  EXPECT_TRUE(std::all_of(items.begin(), items.end(), [](const Item& one) { return one.taken == 1; }));
}

}  // namespace

}  // namespace polyserve
