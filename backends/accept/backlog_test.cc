#include "backends/accept/backlog.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "backends/accept/server_context.h"
#include "backends/accept/tcp_acceptor.h"
#include "backends/accept/udp_peers.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

class BacklogTest : public testing::Test {
 protected:
  void SetUp() override {
    context_.listen.backlog = 4;
    absl::StatusOr<UniqueFd> fd = ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration(), context_.listen);
    ASSERT_TRUE(fd.ok()) << fd.status();
    at_ = *Endpoint::OfSocket(fd->get());
    context_.listeners.push_back({"echo", *std::move(fd), nullptr});
  }

  // False: refused, or still unanswered.
  bool Connect() {
    UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    static_cast<void>(::connect(client.get(), at_.address(), at_.size()));  // Under way; send() knows more.
    clients_.push_back(std::move(client));
    return ::send(clients_.back().get(), "x", 1, MSG_NOSIGNAL) == 1;
  }

  absl::StatusOr<Connection> Next() {
    return backlog_.Next([this](const Listener& listener) { return tcp_.TryAccept(listener); });
  }

  AcceptQueues Queues(int backlog) const {
    const std::vector<const Listener*> listeners = {&context_.listeners[0]};
    return {listeners, listeners, backlog};
  }

  absl::StatusOr<Connection> Next(AcceptQueues& queues) {
    return queues.Next([this](const Listener& listener) { return tcp_.TryAccept(listener); });
  }

  ServerContext context_{{}, absl::InfiniteDuration(), *Statistics::Create()};
  UdpPeers udp_peers_{context_};
  TcpAcceptor tcp_{context_, true};
  Backlog backlog_{context_, udp_peers_};
  Endpoint at_;
  std::vector<UniqueFd> clients_;
};

TEST_F(BacklogTest, ThoseWhoHadConnectedAreAllTakenBeforeTheListenerIsClosed) {
  ASSERT_TRUE(Connect());
  ASSERT_TRUE(Connect());
  EXPECT_TRUE(Next().ok());
  EXPECT_TRUE(context_.listeners[0].fd.ok());
  EXPECT_TRUE(Next().ok());
  EXPECT_TRUE(absl::IsCancelled(Next().status()));
  EXPECT_FALSE(context_.listeners[0].fd.ok());
  EXPECT_TRUE(absl::IsCancelled(Next().status()));
}

TEST_F(BacklogTest, NobodyConnectsFromTheFirstCallOn) {
  ASSERT_TRUE(Connect());
  EXPECT_TRUE(Next().ok());
  EXPECT_FALSE(Connect());
  EXPECT_TRUE(absl::IsCancelled(Next().status()));
}

TEST_F(BacklogTest, ErrorsThatMayPassLeaveTheListenerOpen) {
  ASSERT_TRUE(Connect());
  for (const absl::Status& error : {absl::ResourceExhaustedError("short"), absl::FailedPreconditionError("full")}) {
    EXPECT_EQ(backlog_.Next([&error](const Listener&) { return error; }).status(), error);
    EXPECT_TRUE(context_.listeners[0].fd.ok());
  }
  EXPECT_TRUE(Next().ok());
  EXPECT_TRUE(absl::IsCancelled(Next().status()));
}

TEST_F(BacklogTest, ClientThatIsRefusedMakesRoomForTheNext) {
  ASSERT_TRUE(Connect());
  ASSERT_TRUE(Connect());
  bool is_first = true;
  const absl::StatusOr<Connection> second = backlog_.Next([&](const Listener& listener) -> absl::StatusOr<Connection> {
    absl::StatusOr<Connection> client = tcp_.TryAccept(listener);
    return std::exchange(is_first, false) ? absl::AbortedError("refused") : std::move(client);
  });
  EXPECT_TRUE(second.ok());
}

TEST_F(BacklogTest, SharedListenerIsShutDownButNotClosedOnceItsQueueIsEmpty) {
  ASSERT_TRUE(Connect());
  AcceptQueues queues = Queues(4);
  queues.RefuseNewClients();
  EXPECT_FALSE(Connect());
  EXPECT_FALSE(queues.ShutDownEmpty());
  EXPECT_TRUE(Next(queues).ok());
  EXPECT_FALSE(queues.AwaitsHandshake());
  EXPECT_TRUE(queues.ShutDownEmpty());
  EXPECT_TRUE(context_.listeners[0].fd.ok());
  EXPECT_TRUE(absl::IsUnavailable(Next(queues).status()));
}

TEST_F(BacklogTest, FullServerWaitsForAPlaceOnlyIfAClientIsThere) {
  const auto full = [](const Listener&) { return absl::FailedPreconditionError("full"); };
  AcceptQueues queues = Queues(4);
  EXPECT_TRUE(absl::IsUnavailable(queues.Next(full).status()));
  ASSERT_TRUE(Connect());
  EXPECT_TRUE(absl::IsFailedPrecondition(queues.Next(full).status()));
  EXPECT_TRUE(Next(queues).ok());
}

TEST_F(BacklogTest, NoMoreAreTakenThanAQueueMayHold) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Connect());
  AcceptQueues queues = Queues(1);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Next(queues).ok());  // Two that are through, and two in their handshakes.
  EXPECT_TRUE(absl::IsUnavailable(Next(queues).status()));
  EXPECT_FALSE(queues.ShutDownEmpty());  // The client is another worker's to take.
}

// As after an upgrade, or if a service manager holds the socket: whoever has it goes on as if nothing had been.
TEST_F(BacklogTest, ListenerThatStaysOpenLosesItsQueueAndNothingElse) {
  context_.listeners[0].is_managers = true;
  const UniqueFd others(::fcntl(context_.listeners[0].fd.get(), F_DUPFD_CLOEXEC, 0));
  ASSERT_TRUE(Connect());
  EXPECT_TRUE(Next().ok());
  ASSERT_TRUE(Connect());
  EXPECT_TRUE(Next().ok());
  EXPECT_TRUE(absl::IsCancelled(Next().status()));
  EXPECT_FALSE(context_.listeners[0].fd.ok());
  ASSERT_TRUE(Connect());
  EXPECT_TRUE(UniqueFd(::accept4(others.get(), nullptr, nullptr, SOCK_CLOEXEC)).ok());
}

TEST_F(BacklogTest, SharedListenerThatStaysOpenCountsAsShutDownWhateverIsInItsQueue) {
  context_.listeners[0].is_managers = true;
  AcceptQueues queues = Queues(4);
  queues.RefuseNewClients();
  ASSERT_TRUE(Connect());
  EXPECT_FALSE(queues.AwaitsHandshake());
  EXPECT_TRUE(queues.ShutDownEmpty());
  EXPECT_TRUE(tcp_.TryAccept(context_.listeners[0]).ok());
}

}  // namespace

}  // namespace polyserve
