// WakeList: which clients are called, how often, and what wakes the loop.
#include "net/wake_list.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/logging.h"
#include "base/mailbox.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

class Client final : public Wakeable {
 public:
  explicit Client(WakeList& list) { entry_.emplace(list, *this, mailbox_); }
  void OnReady() override {
    ++calls;
    if (wakes_next != nullptr) wakes_next->Wake();
    if (ends_next != nullptr) ends_next->Leave();
  }
  void Wake() { entry_->Wake(); }
  void Leave() { entry_.reset(); }

  int calls = 0;
  Client* wakes_next = nullptr;
  Client* ends_next = nullptr;

 private:
  Mailbox mailbox_;
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

TEST_F(WakeListTest, InterruptEndsAWaitAlsoOfItsOwnThreadAndCallsNobody) {
  Client a(*list_);
  for (int i = 0; i < 2; ++i) {
    list_->Interrupt();
    EXPECT_TRUE(is_readable());
    list_->TakeWake();
    EXPECT_FALSE(is_readable());
    list_->Deliver();
  }
  EXPECT_EQ(a.calls, 0);
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

// One that has mail, and whose task is done: it takes both at its first call.
TEST_F(WakeListTest, EntryThatACallDestroysIsNotCalledAnyMore) {
  Client with_mail(*list_), last(*list_);
  auto with_task = std::make_unique<Client>(*list_);
  with_mail.ends_next = with_task.get();
  with_mail.Wake();
  with_task->Wake();
  last.Wake();
  list_->Deliver();
  EXPECT_EQ(with_mail.calls, 1);
  EXPECT_EQ(with_task->calls, 0);
  EXPECT_EQ(last.calls, 1);
  EXPECT_TRUE(list_->empty());
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

// A mailbox that is filled through a pipe, and cut off at its end.
class PipeMailbox final : public Mailbox {
 public:
  PipeMailbox() {
    int ends[2];
    PCHECK(::pipe2(ends, O_NONBLOCK) == 0);
    reader_ = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  int fd() const override { return reader_.get(); }
  void Collect() override {
    char letter = 0;
    const ssize_t count = ::read(reader_.get(), &letter, 1);
    if (count > 0) Push(std::make_shared<const std::string>(1, letter));
    if (count == 0) CutOff();
  }

  UniqueFd writer;

 private:
  UniqueFd reader_;
};

struct Caller final : public Wakeable {
  void OnReady() override { ++calls; }
  int calls = 0;
};

TEST_F(WakeListTest, WhatComesByADescriptorIsCollectedAndTheEndIsToldOnce) {
  PipeMailbox mailbox;
  Caller client;
  const WakeList::Entry entry(*list_, client, mailbox);
  list_->TakeWake();
  list_->Deliver();
  EXPECT_EQ(client.calls, 0);
  ASSERT_EQ(::write(mailbox.writer.get(), "a", 1), 1);
  EXPECT_TRUE(is_readable());
  list_->TakeWake();
  list_->Deliver();
  EXPECT_EQ(client.calls, 1);
  EXPECT_EQ(*mailbox.Next(), "a");
  mailbox.writer.reset();
  list_->TakeWake();
  list_->Deliver();
  EXPECT_TRUE(mailbox.is_cut_off());
  EXPECT_EQ(client.calls, 2);
  EXPECT_FALSE(is_readable());
}

// A stream whose session waits for room in it.
class StreamMailbox final : public Mailbox {
 public:
  StreamMailbox() {
    int ends[2];
    PCHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    own_ = UniqueFd(ends[0]);
    other = UniqueFd(ends[1]);
  }
  int fd() const override { return own_.get(); }
  void Collect() override {
    pollfd stream = {own_.get(), POLLOUT, 0};
    if (awaits_room() && ::poll(&stream, 1, 0) == 1) NoteRoom();
  }
  void Fill() {
    const std::string bytes(4096, 'x');
    while (::send(own_.get(), bytes.data(), bytes.size(), 0) > 0) continue;
    AwaitRoom();
  }

  UniqueFd other;

 private:
  UniqueFd own_;
};

TEST_F(WakeListTest, RoomInAStreamWakesOnlyWhoWaitsForIt) {
  StreamMailbox mailbox;
  Caller client;
  std::unique_ptr<WakeList::Entry> entry;
  list_->Watch(&mailbox, client, entry);
  EXPECT_FALSE(is_readable());
  mailbox.Fill();
  list_->Watch(&mailbox, client, entry);
  EXPECT_FALSE(is_readable());
  std::string bytes(1 << 20, '\0');
  while (::recv(mailbox.other.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  EXPECT_TRUE(is_readable());
  list_->TakeWake();
  list_->Deliver();
  EXPECT_EQ(client.calls, 1);
  EXPECT_FALSE(mailbox.awaits_room());
  // It waits no more, so that what is taken from the stream is no event any more.
  ASSERT_EQ(::send(mailbox.fd(), "x", 1, 0), 1);
  ASSERT_EQ(::recv(mailbox.other.get(), bytes.data(), 1, 0), 1);
  list_->TakeWake();
  EXPECT_FALSE(is_readable());
  EXPECT_TRUE(list_->empty());
}

// The reader has made room before the loop waits for it.
TEST_F(WakeListTest, RoomThatIsThereAlreadyIsReportedAtOnce) {
  StreamMailbox mailbox;
  Caller client;
  std::unique_ptr<WakeList::Entry> entry;
  list_->Watch(&mailbox, client, entry);
  mailbox.Fill();
  std::string bytes(1 << 20, '\0');
  while (::recv(mailbox.other.get(), bytes.data(), bytes.size(), 0) > 0) continue;
  list_->Watch(&mailbox, client, entry);
  EXPECT_TRUE(is_readable());
}

TEST_F(WakeListTest, EntryIsMadeWithTheFirstMailboxAndKept) {
  Caller client;
  Mailbox mailbox;
  std::unique_ptr<WakeList::Entry> entry;
  list_->Watch(nullptr, client, entry);
  EXPECT_EQ(entry, nullptr);
  list_->Watch(&mailbox, client, entry);
  const WakeList::Entry* const first = entry.get();
  EXPECT_NE(first, nullptr);
  list_->Watch(&mailbox, client, entry);
  EXPECT_EQ(entry.get(), first);
}

}  // namespace
}  // namespace polyserve
