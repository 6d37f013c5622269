// What only one of the pollers can do, or has to be careful of; poller_test.cc has what all can do.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "backends/poller/epoll_poller.h"
#include "backends/poller/poller.h"
#include "backends/poller/select_poller.h"
#include "backends/poller/sigio_poller.h"
#include "backends/poller/watched_fd.h"
#include "backends/poller/watched_socket.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

constexpr uint8_t kReadable = Poller::kReadable;

class SigioPollerTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<Poller>> poller = SigioPoller::Create(Trigger::kEdge);
    ASSERT_TRUE(poller.ok()) << poller.status();
    poller_ = *std::move(poller);
    ASSERT_EQ(::getrlimit(RLIMIT_SIGPENDING, &usual_), 0);
  }
  void TearDown() override { ::setrlimit(RLIMIT_SIGPENDING, &usual_); }

  void AllowQueueOf(rlim_t signals) {
    const rlimit few = {signals, usual_.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_SIGPENDING, &few), 0);
  }

  std::unique_ptr<Poller> poller_;
  rlimit usual_ = {};
};

// Most of them are lost; one poll(2), in the wait that takes the SIGIO, finds all.
TEST_F(SigioPollerTest, QueueThatIsFullLosesNobody) {
  constexpr size_t kSockets = 50;
  std::vector<std::unique_ptr<WatchedSocket>> sockets;
  for (size_t i = 0; i < kSockets; ++i) {
    sockets.push_back(std::make_unique<WatchedSocket>(*poller_));
    sockets.back()->Watch(kReadable | Poller::kEdge);
  }
  ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
  AllowQueueOf(3);
  for (const auto& socket : sockets) socket->Receive();
  ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
  poller_->Dispatch();
  for (const auto& socket : sockets) EXPECT_EQ(socket->TakeSeen(), kReadable);
  for (const auto& socket : sockets) socket->Read();
  sockets.front()->Receive();  // Signals go on as before.
  ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
  poller_->Dispatch();
  EXPECT_EQ(sockets.front()->TakeSeen(), kReadable);
  EXPECT_EQ(sockets.back()->TakeSeen(), 0);
}

// As a new server does that ends before it is ready: the signals were for it, and carried its own number.
TEST_F(SigioPollerTest, WhatAnotherHadTakenIsTakenBack) {
  WatchedSocket socket(*poller_);
  socket.Watch(kReadable);
  ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
  {
    const UniqueFd others(::fcntl(socket.fd(), F_DUPFD_CLOEXEC, 100));
    int off = 0, on = 1;
    ASSERT_EQ(::ioctl(others.get(), FIOASYNC, &off), 0);
    ASSERT_EQ(::fcntl(others.get(), F_SETOWN, 0), 0);
    ASSERT_EQ(::ioctl(others.get(), FIOASYNC, &on), 0);
  }
  socket.Receive();
  ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
  poller_->Dispatch();
  EXPECT_EQ(socket.TakeSeen(), 0);
  ASSERT_EQ(::syscall(SYS_tkill, ::gettid(), SIGIO), 0);
  ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
  poller_->Dispatch();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
  socket.Read();
  ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
  poller_->Dispatch();
  EXPECT_EQ(socket.TakeSeen(), 0);
  socket.Receive();
  ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
  poller_->Dispatch();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
}

// An eventfd has none: a thread sends them on its behalf.
TEST_F(SigioPollerTest, DescriptorWithoutSignalsEndsAWaitAlsoIfTheQueueIsFull) {
  for (const rlim_t queue : {rlim_t{100}, rlim_t{0}}) {
    const UniqueFd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    int calls = 0;
    WatchedFd watched(*poller_, fd.get(), [&calls] { ++calls; });
    ASSERT_TRUE(watched.Watch(kReadable).ok());
    ASSERT_TRUE(poller_->Wait(Poller::kNoWait).ok());
    poller_->Dispatch();
    EXPECT_EQ(calls, 0);
    AllowQueueOf(queue);
    const uint64_t one = 1;
    ASSERT_EQ(::write(fd.get(), &one, sizeof(one)), ssize_t{sizeof(one)});
    while (calls == 0) {
      ASSERT_TRUE(poller_->Wait(Poller::kForEver).ok());
      poller_->Dispatch();
    }
  }
}

TEST(SelectPollerTest, DescriptorBeyondTheSetIsRefused) {
  const absl::StatusOr<std::unique_ptr<Poller>> poller = SelectPoller::Create(Trigger::kLevel);
  ASSERT_TRUE(poller.ok());
  WatchedFd watched(**poller, SelectPoller::kMaxDescriptor + 1, [] {});
  EXPECT_TRUE(absl::IsResourceExhausted(watched.Watch(kReadable)));
  EXPECT_EQ(watched.events(), 0);
}

// As the kernel tells it in proc(5): EPOLLEXCLUSIVE is bit 28 of the events, beside EPOLLIN, EPOLLERR and EPOLLHUP.
bool IsExclusive(int fd) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    std::string words;
    for (std::string word; text >> word;) absl::StrAppend(&words, word, " ");
    if (absl::StrContains(words, absl::StrCat("tfd: ", fd, " events: 10000019 "))) return true;
  }
  return false;
}

TEST(EpollPollerTest, OneShotTellsOneEventUntilItIsAskedAgain) {
  const absl::StatusOr<std::unique_ptr<Poller>> poller = EpollPoller::Create(Trigger::kLevel);
  ASSERT_TRUE(poller.ok());
  const UniqueFd fd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  int calls = 0;
  WatchedFd watched(**poller, fd.get(), [&calls] { ++calls; });
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(watched.Watch(kReadable | Poller::kOneShot).ok());
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE((*poller)->Wait(Poller::kNoWait).ok());
      (*poller)->Dispatch();
    }
    EXPECT_EQ(calls, round);
  }
}

// Two are ready, and two threads may serve them.
TEST(EpollPollerTest, SharedOneReleasesTheMutexAndNotesOneEvent) {
  Mutex mutex;
  const absl::StatusOr<std::unique_ptr<Poller>> poller = EpollPoller::CreateShared(mutex, /*events_per_wait=*/1);
  ASSERT_TRUE(poller.ok());
  WatchedSocket first(**poller);
  WatchedSocket second(**poller);
  bool is_waiting = false;
  std::thread leader([&] {
    MutexLock lock(mutex);
    is_waiting = true;
    EXPECT_TRUE((*poller)->Wait(Poller::kForEver).ok());
    (*poller)->Dispatch();
  });
  while (true) {  // It holds the mutex until it waits.
    MutexLock lock(mutex);
    if (!is_waiting) continue;
    first.Receive();
    second.Receive();
    first.Watch(kReadable);
    second.Watch(kReadable);
    break;
  }
  leader.join();
  EXPECT_EQ(first.calls() + second.calls(), 1);
}

// Where threads take from each other what one of them has found.
TEST(EpollPollerTest, SharedOneNotesAsManyEventsAsItIsTold) {
  Mutex mutex;
  const absl::StatusOr<std::unique_ptr<Poller>> poller = EpollPoller::CreateShared(mutex, /*events_per_wait=*/2);
  ASSERT_TRUE(poller.ok());
  WatchedSocket first(**poller);
  WatchedSocket second(**poller);
  WatchedSocket third(**poller);
  MutexLock lock(mutex);
  for (WatchedSocket* const socket : {&first, &second, &third}) {
    socket->Receive();
    socket->Watch(kReadable | Poller::kOneShot);
  }
  for (const int seen : {2, 3}) {
    EXPECT_TRUE((*poller)->Wait(Poller::kNoWait).ok());
    (*poller)->Dispatch();
    EXPECT_EQ(first.calls() + second.calls() + third.calls(), seen);
  }
}

TEST(EpollPollerTest, ExclusiveIsTheKernelsOwnAlsoAfterItWasSetAnew) {
  const absl::StatusOr<std::unique_ptr<Poller>> poller = EpollPoller::Create(Trigger::kLevel);
  ASSERT_TRUE(poller.ok());
  const UniqueFd fd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  int calls = 0;
  WatchedFd watched(**poller, fd.get(), [&calls] { ++calls; });
  ASSERT_TRUE(watched.Watch(kReadable).ok());
  EXPECT_FALSE(IsExclusive(fd.get()));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(watched.Watch(kReadable | Poller::kExclusive).ok());
    EXPECT_TRUE(IsExclusive(fd.get()));
  }
  EXPECT_TRUE((*poller)->Wait(Poller::kNoWait).ok());
  (*poller)->Dispatch();
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace polyserve
