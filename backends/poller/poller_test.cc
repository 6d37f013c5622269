// One suite for all pollers: select(2), poll(2), signals, epoll(7), and libevent by each of its methods; then what only
// those with edges can do. single_pollers_test.cc has what only one of them can do.
#include "backends/poller/poller.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "backends/poller/epoll_poller.h"
#include "backends/poller/libevent_poller.h"
#include "backends/poller/poll_poller.h"
#include "backends/poller/select_poller.h"
#include "backends/poller/sigio_poller.h"
#include "backends/poller/watched_fd.h"
#include "backends/poller/watched_socket.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using std::chrono::milliseconds;

constexpr uint8_t kReadable = Poller::kReadable;
constexpr uint8_t kWritable = Poller::kWritable;

struct Kind {
  const char* name;
  bool has_edges;
  std::function<absl::StatusOr<std::unique_ptr<Poller>>(Trigger)> create;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

std::vector<Kind> AllKinds() {
  const auto by_libevent = [](const char* method) {
    return [method](Trigger trigger) { return LibeventPoller::Create(method, trigger); };
  };
  return {{"Select", false, &SelectPoller::Create},     {"Poll", false, &PollPoller::Create},
          {"Sigio", true, &SigioPoller::Create},        {"Epoll", true, &EpollPoller::Create},
          {"Libevent", true, by_libevent("")},          {"LibeventSelect", false, by_libevent("select")},
          {"LibeventPoll", false, by_libevent("poll")}, {"LibeventEpoll", true, by_libevent("epoll")}};
}

std::vector<Kind> KindsWithEdges() {
  std::vector<Kind> kinds = AllKinds();
  std::erase_if(kinds, [](const Kind& kind) { return !kind.has_edges; });
  return kinds;
}

std::string NameOfKind(const testing::TestParamInfo<Kind>& kind) { return kind.param.name; }

class PollerTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<Poller>> poller =
        GetParam().create(GetParam().has_edges ? Trigger::kEdge : Trigger::kLevel);
    ASSERT_TRUE(poller.ok()) << poller.status();
    poller_ = *std::move(poller);
  }

  // Looks once, without waiting.
  void Look() {
    EXPECT_TRUE(poller_->Wait(Poller::kNoWait).ok());
    poller_->Dispatch();
  }
  // For more than one descriptor: some pollers note a part of what is ready at each wait, in the extreme one event.
  void LookManyTimes() {
    constexpr int kWaits = 300;
    for (int i = 0; i < kWaits; ++i) Look();
  }

  std::unique_ptr<Poller> poller_;
};

INSTANTIATE_TEST_SUITE_P(, PollerTest, testing::ValuesIn(AllKinds()), NameOfKind);

TEST_P(PollerTest, ReadableIsToldAsLongAsItLasts) {
  WatchedSocket socket(*poller_);
  socket.Watch(kReadable);
  Look();
  EXPECT_EQ(socket.TakeSeen(), 0);
  socket.Receive();
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
  socket.Read();
  Look();
  EXPECT_EQ(socket.TakeSeen(), 0);
}

TEST_P(PollerTest, WritableIsToldWhenThereIsRoom) {
  WatchedSocket socket(*poller_);
  socket.Watch(kReadable);  // As every connection is, before anything is sent.
  socket.Fill();
  socket.Watch(kWritable);
  Look();
  EXPECT_EQ(socket.TakeSeen(), 0);
  socket.TakeAll();
  Look();
  EXPECT_EQ(socket.TakeSeen(), kWritable);
}

TEST_P(PollerTest, BothAreToldInOneCall) {
  WatchedSocket socket(*poller_);
  socket.Watch(kReadable | kWritable);
  socket.Receive();
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable | kWritable);
  EXPECT_EQ(socket.calls(), 1);
}

TEST_P(PollerTest, OnlyWhatIsWatchedForIsTold) {
  WatchedSocket socket(*poller_);
  socket.Receive();
  socket.Watch(kWritable);
  Look();
  EXPECT_EQ(socket.TakeSeen(), kWritable);
  socket.Watch(kReadable);
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
  socket.Watch(0);
  Look();
  EXPECT_EQ(socket.TakeSeen(), 0);
}

TEST_P(PollerTest, EndOfInputIsReadable) {
  WatchedSocket socket(*poller_);
  socket.Watch(kReadable);
  socket.PeerStopsSending();
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
}

TEST_P(PollerTest, PeerThatHasGoneEndsEitherWait) {
  for (const uint8_t wait : {kReadable, kWritable}) {
    WatchedSocket socket(*poller_);
    socket.Fill();
    socket.Watch(wait);
    socket.PeerLeaves();
    Look();
    EXPECT_NE(socket.TakeSeen() & wait, 0);
  }
}

// Not all by the same wait: libevent begins with 32.
TEST_P(PollerTest, AllThatAreReadyAreToldAndNobodyElse) {
  constexpr size_t kSockets = 200;
  std::vector<std::unique_ptr<WatchedSocket>> sockets;
  for (size_t i = 0; i < kSockets; ++i) {
    sockets.push_back(std::make_unique<WatchedSocket>(*poller_));
    sockets.back()->Watch(kReadable);
    if (i % 3 == 0) sockets.back()->Receive();
  }
  LookManyTimes();
  for (size_t i = 0; i < kSockets; ++i) EXPECT_EQ(sockets[i]->calls() > 0, i % 3 == 0) << i;
}

// The last ones are removed first in the list of poll(2), take the places of others, and are the highest for select(2).
TEST_P(PollerTest, ThoseThatStayAreToldAfterOthersHaveLeft) {
  constexpr size_t kSockets = 20;
  std::vector<std::unique_ptr<WatchedSocket>> sockets;
  for (size_t i = 0; i < kSockets; ++i) {
    sockets.push_back(std::make_unique<WatchedSocket>(*poller_));
    sockets.back()->Watch(kReadable);
    sockets.back()->Receive();
  }
  for (const size_t i : {0, 19, 7, 8, 18}) sockets[i] = nullptr;
  LookManyTimes();
  for (const auto& socket : sockets) {
    if (socket != nullptr) {
      EXPECT_EQ(socket->TakeSeen(), kReadable);
    }
  }
}

TEST_P(PollerTest, NewOwnerOfANumberIsToldInsteadOfTheOldOne) {
  auto first = std::make_unique<WatchedSocket>(*poller_);
  first->Watch(kReadable);
  const int fd = first->fd();
  first = nullptr;
  WatchedSocket second(*poller_);
  ASSERT_EQ(second.fd(), fd);
  second.Watch(kReadable);
  second.Receive();
  Look();
  EXPECT_EQ(second.TakeSeen(), kReadable);
}

// Two are ready, and whichever is told first ends the other one.
TEST_P(PollerTest, OneThatAnothersHandlerEndsIsNotTold) {
  auto first = std::make_unique<WatchedSocket>(*poller_);
  auto second = std::make_unique<WatchedSocket>(*poller_);
  first->Watch(kReadable);
  second->Watch(kReadable);
  first->Receive();
  second->Receive();
  first->on_ready = [&second] { second = nullptr; };
  second->on_ready = [&first] { first = nullptr; };
  Look();
  EXPECT_TRUE((first == nullptr) != (second == nullptr));
}

TEST_P(PollerTest, WhatAnothersHandlerHasEndedTheWaitForIsNotTold) {
  WatchedSocket first(*poller_);
  WatchedSocket second(*poller_);
  first.Watch(kReadable);
  second.Watch(kReadable);
  first.Receive();
  second.Receive();
  first.on_ready = [&second] { second.Watch(kWritable); };
  second.on_ready = [&first] { first.Watch(kWritable); };
  Look();
  EXPECT_EQ(first.calls() + second.calls(), 1);
}

TEST_P(PollerTest, HandlerMayEndItsOwnerAndWatchNewOnes) {
  auto first = std::make_unique<WatchedSocket>(*poller_);
  WatchedSocket second(*poller_);
  first->Watch(kReadable);
  first->Receive();
  second.Receive();
  first->on_ready = [&first, &second] {
    first->on_ready = nullptr;
    second.Watch(kReadable);
  };
  Look();
  first = nullptr;
  Look();
  EXPECT_EQ(second.TakeSeen(), kReadable);
}

TEST_P(PollerTest, WaitEndsAtItsTimeAlsoIfThatIsSetAnew) {
  WatchedSocket socket(*poller_);
  socket.Watch(kReadable);
  ASSERT_TRUE(poller_->Wait(Poller::Clock::now() + std::chrono::hours(1) - std::chrono::hours(1)).ok());
  for (const milliseconds time : {milliseconds(20), milliseconds(5)}) {
    const auto until = Poller::Clock::now() + time;
    while (Poller::Clock::now() < until) ASSERT_TRUE(poller_->Wait(until).ok());
  }
  poller_->Dispatch();
  EXPECT_EQ(socket.calls(), 0);
  socket.Receive();
  ASSERT_TRUE(poller_->Wait(Poller::kForEver).ok());  // A time-out that was set before is no more.
  poller_->Dispatch();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
}

// libevent itself waits on; the time-out is for that one.
TEST_P(PollerTest, SignalIsNoError) {
  struct sigaction on_alarm = {};
  on_alarm.sa_handler = [](int) {};
  struct sigaction before;
  ASSERT_EQ(::sigaction(SIGALRM, &on_alarm, &before), 0);
  const itimerval soon = {{0, 0}, {0, 5000}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);
  EXPECT_TRUE(poller_->Wait(Poller::Clock::now() + milliseconds(50)).ok());
  ::sigaction(SIGALRM, &before, nullptr);
}

TEST_P(PollerTest, DescriptorOfTheLoopCallsItsFunctionWhileItIsWatched) {
  const UniqueFd fd(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
  int calls = 0;
  {
    WatchedFd watched(*poller_, fd.get(), [&calls] { ++calls; });
    Look();
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(watched.Watch(kReadable).ok());
    ASSERT_TRUE(watched.Watch(kReadable | Poller::kExclusive).ok());
    Look();
    EXPECT_EQ(calls, 1);
    watched.StopWatching();
    Look();
    EXPECT_EQ(calls, 1);
    ASSERT_TRUE(watched.Watch(kReadable).ok());
  }
  Look();
  EXPECT_EQ(calls, 1);
}

TEST_P(PollerTest, EdgesAreRefusedWithoutThem) {
  const absl::Status status = GetParam().create(Trigger::kEdge).status();
  EXPECT_EQ(status.ok(), GetParam().has_edges);
  EXPECT_TRUE(status.ok() || absl::StrContains(status.message(), "--trigger=level")) << status;
}

class EdgeTest : public PollerTest {
 protected:
  static constexpr uint8_t kEdge = Poller::kReadable | Poller::kPeerClosed | Poller::kEdge;
};
INSTANTIATE_TEST_SUITE_P(, EdgeTest, testing::ValuesIn(KindsWithEdges()), NameOfKind);

TEST_P(EdgeTest, ReadableIsToldOnceForWhatHasCome) {
  WatchedSocket socket(*poller_);
  socket.Watch(kEdge);
  Look();
  EXPECT_EQ(socket.TakeSeen(), 0);
  socket.Receive();
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
  Look();
  EXPECT_EQ(socket.TakeSeen(), 0);
  socket.Receive();
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
}

TEST_P(EdgeTest, EndOfThePeerHasItsOwnEvent) {
  WatchedSocket socket(*poller_);
  socket.Watch(kEdge);
  socket.PeerStopsSending();
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable | Poller::kPeerClosed);
}

TEST_P(EdgeTest, WhatIsReadyAlreadyIsToldAfterAChange) {
  WatchedSocket socket(*poller_);
  socket.Receive();
  socket.Watch(kEdge);
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
  socket.Watch(kWritable | Poller::kEdge);
  Look();
  EXPECT_EQ(socket.TakeSeen(), kWritable);
  socket.Watch(kEdge);
  Look();
  EXPECT_EQ(socket.TakeSeen(), kReadable);
}

// Has no descriptors: whatever is added is ready at the next wait.
class ReadyPoller final : public Poller {
 public:
  absl::Status Add(int, uint8_t events, Watched& watched) override {
    NoteReady(watched, events);
    return absl::OkStatus();
  }
  absl::Status Change(int, uint8_t events, Watched& watched) override {
    Forget(watched, events);
    return absl::OkStatus();
  }
  void Remove(int, Watched& watched) override { Forget(watched); }
  absl::Status Wait(Clock::time_point) override { return absl::OkStatus(); }
};

// Each of them stops watching the one that was ready last of those that are left. Were what is ready searched for it
// each time, this would take minutes and run into the test's time-out.
TEST(ReadyPollerTest, CostsTimeInProportionToWhatIsReady) {
  constexpr int kReady = 1'000'000;
  ReadyPoller poller;
  int calls = 0;
  std::deque<WatchedFd> watched;
  const auto end_last = [&] {
    ++calls;
    watched.pop_back();
  };
  for (int i = 0; i < kReady; ++i) EXPECT_TRUE(watched.emplace_back(poller, i, end_last).Watch(kReadable).ok());
  poller.Dispatch();
  EXPECT_EQ(calls, kReady / 2);
}

}  // namespace
}  // namespace polyserve
