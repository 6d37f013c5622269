// The queue has room for as many clients as threads wait, and loses none when it closes.
#include "backends/pool/client_queue.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

Connection AnyClient() { return Connection{UniqueFd(), nullptr}; }

TEST(ClientQueueTest, HasNoRoomWhileNobodyWaits) {
  ClientQueue queue([] {});
  EXPECT_FALSE(queue.HasRoom());
}

TEST(ClientQueueTest, HasRoomForAsManyAsWait) {
  std::atomic<int> waiting = 0;
  ClientQueue queue([&waiting] { ++waiting; });
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&queue, &served] {
      if (queue.Pop().ok()) ++served;
    });
  }
  while (waiting < 3) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(queue.HasRoom());
    queue.Push(AnyClient());
  }
  EXPECT_FALSE(queue.HasRoom());
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, 3);
}

TEST(ClientQueueTest, HandsOutTheRestWhenItIsClosed) {
  ClientQueue queue([] {});
  queue.Push(AnyClient());
  queue.Close();
  EXPECT_TRUE(queue.Pop().ok());
  EXPECT_TRUE(absl::IsCancelled(queue.Pop().status()));
}

TEST(ClientQueueTest, DismissesOneAndNotTheNext) {
  ClientQueue queue([] {});
  queue.DismissOne();
  queue.DismissOne();
  EXPECT_TRUE(absl::IsCancelled(queue.Pop().status()));
  queue.Push(AnyClient());
  EXPECT_TRUE(queue.Pop().ok());
}

}  // namespace

}  // namespace polyserve
