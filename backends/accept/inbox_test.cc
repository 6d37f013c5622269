// Clients that are dealt out arrive in their order, none is lost, and a loop that is slow is given no more than a
// bound.
#include "backends/accept/inbox.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <memory>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

class InboxTest : public testing::TestWithParam<bool> {
 protected:
  InboxTest() {
    for (const char* service : {"echo", "file"}) context_.listeners.push_back({service, UniqueFd(), nullptr});
    const auto on_room = [this] { ++rooms_; };
    inbox_ = *(GetParam() ? MakeProcessInbox(context_, on_room) : MakeThreadInbox(on_room));
  }

  void Put(int listener) {
    EXPECT_TRUE(
        inbox_->Put({UniqueFd(::eventfd(0, EFD_CLOEXEC)), &context_.listeners[static_cast<size_t>(listener)]}).ok());
  }
  bool IsReadable() {
    pollfd wait = {inbox_->fd(), POLLIN, 0};
    return ::poll(&wait, 1, 0) == 1;
  }
  void ExpectTakes(int listener) {
    const absl::StatusOr<Connection> client = inbox_->Take();
    ASSERT_TRUE(client.ok()) << client.status();
    EXPECT_TRUE(client->fd.ok());
    EXPECT_EQ(client->listener, &context_.listeners[static_cast<size_t>(listener)]);
  }

  ServerContext context_{{}, absl::InfiniteDuration(), *Statistics::Create()};
  std::unique_ptr<Inbox> inbox_;
  int rooms_ = 0;
};

INSTANTIATE_TEST_SUITE_P(, InboxTest, testing::Values(false, true),
                         [](const testing::TestParamInfo<bool>& info) { return info.param ? "Processes" : "Threads"; });

TEST_P(InboxTest, GivesClientsInTheirOrderAndIsReadableMeanwhile) {
  EXPECT_FALSE(IsReadable());
  EXPECT_TRUE(absl::IsUnavailable(inbox_->Take().status()));
  Put(1);
  Put(0);
  EXPECT_TRUE(IsReadable());
  ExpectTakes(1);
  EXPECT_TRUE(IsReadable());
  ExpectTakes(0);
  EXPECT_TRUE(absl::IsUnavailable(inbox_->Take().status()));
  EXPECT_FALSE(IsReadable());
}

TEST_P(InboxTest, ClosedInboxGivesWhatIsLeftAndThenSaysSo) {
  Put(0);
  inbox_->Close();
  ExpectTakes(0);
  EXPECT_TRUE(IsReadable());
  EXPECT_TRUE(absl::IsCancelled(inbox_->Take().status()));
}

TEST_P(InboxTest, HasRoomForSoManyAndSaysSoWhenThereIsSomeAgain) {
  for (int i = 0; i < Inbox::kMaxWaiting; ++i) {
    EXPECT_TRUE(inbox_->HasRoom());
    Put(0);
  }
  EXPECT_FALSE(inbox_->HasRoom());
  EXPECT_EQ(rooms_, 0);
  for (int i = 0; i < Inbox::kMaxWaiting; ++i) ExpectTakes(0);
  EXPECT_TRUE(inbox_->HasRoom());
  EXPECT_GE(rooms_, 1);
}

// Of those on their way between processes, some do not arrive if no descriptor is left for them.
TEST_P(InboxTest, ClientThatIsLostOnItsWayMakesRoomAsWell) {
  if (!GetParam()) GTEST_SKIP() << "between threads a client keeps its descriptor";
  for (int i = 0; i < Inbox::kMaxWaiting; ++i) Put(0);
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  EXPECT_TRUE(absl::IsResourceExhausted(inbox_->Take().status()));
  ::setrlimit(RLIMIT_NOFILE, &before);
  for (int i = 1; i < Inbox::kMaxWaiting; ++i) ExpectTakes(0);
  EXPECT_EQ(rooms_, 1);
}

TEST_P(InboxTest, NoneIsLostBetweenTwoThreads) {
  constexpr int kClients = 2000;
  std::thread dealer([this] {
    for (int i = 0; i < kClients;) {
      if (!inbox_->HasRoom()) continue;
      Put(i % 2);
      ++i;
    }
    inbox_->Close();
  });
  int taken = 0;
  while (true) {
    pollfd wait = {inbox_->fd(), POLLIN, 0};
    ::poll(&wait, 1, -1);
    const absl::StatusOr<Connection> client = inbox_->Take();
    if (absl::IsCancelled(client.status())) break;
    if (!client.ok()) continue;
    EXPECT_EQ(client->listener, &context_.listeners[static_cast<size_t>(taken % 2)]);
    ++taken;
  }
  dealer.join();
  EXPECT_EQ(taken, kClients);
}

}  // namespace

}  // namespace polyserve
