// WakeList: who is called, how often, and what wakes the loop.
#include "room/wake_list.h"

#include <poll.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace polyserve {
namespace {

class Client final : public Wakeable {
 public:
  explicit Client(WakeList& list) { entry_.emplace(list, *this); }
  void OnMail() override {
    ++calls;
    if (wakes_next != nullptr) wakes_next->Wake();
  }
  void Wake() { entry_->Wake(); }
  void Leave() { entry_.reset(); }

  int calls = 0;
  Client* wakes_next = nullptr;

 private:
  std::optional<WakeList::Entry> entry_;
};

class WakeListTest : public testing::Test {
 protected:
  WakeListTest() : list_(*WakeList::Create()) { list_->BelongToThisThread(); }
  bool is_readable() const {
    pollfd fd = {list_->fd(), POLLIN, 0};
    return ::poll(&fd, 1, 0) == 1;
  }
  const std::unique_ptr<WakeList> list_;
};

TEST_F(WakeListTest, CallsOnceForManyWakes) {
  Client a(*list_), b(*list_);
  for (int i = 0; i < 3; ++i) a.Wake();
  EXPECT_FALSE(list_->empty());
  EXPECT_FALSE(is_readable()) << "the loop's own thread needs no system call";
  list_->Deliver();
  EXPECT_EQ(a.calls, 1);
  EXPECT_EQ(b.calls, 0);
  EXPECT_TRUE(list_->empty());
  list_->Deliver();
  EXPECT_EQ(a.calls, 1);
}

TEST_F(WakeListTest, WhoIsWokenMeanwhileIsLeftForTheNextTime) {
  Client a(*list_), b(*list_);
  a.wakes_next = &b;
  a.Wake();
  list_->Deliver();
  EXPECT_EQ(b.calls, 0);
  EXPECT_FALSE(list_->empty());
  list_->Deliver();
  EXPECT_EQ(b.calls, 1);
}

TEST_F(WakeListTest, WhoHasLeftIsNotCalled) {
  Client a(*list_), b(*list_);
  a.Wake();
  b.Wake();
  a.Leave();
  list_->Deliver();
  EXPECT_EQ(a.calls, 0);
  EXPECT_EQ(b.calls, 1);
}

TEST_F(WakeListTest, AnotherThreadWakesTheLoop) {
  constexpr int kThreads = 4;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kThreads; ++i) clients.push_back(std::make_unique<Client>(*list_));
  std::vector<std::thread> threads;
  for (const auto& client : clients) threads.emplace_back([&client] { client->Wake(); });
  int called = 0;
  while (called < kThreads) {
    pollfd fd = {list_->fd(), POLLIN, 0};
    if (list_->empty()) {
      ASSERT_EQ(::poll(&fd, 1, -1), 1);
    }
    list_->TakeWake();
    list_->Deliver();
    called = 0;
    for (const auto& client : clients) called += client->calls;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(called, kThreads);
}

}  // namespace
}  // namespace polyserve
