// What the kernel tells of sockets: clients in the queue of a listener, and the bytes of a connection.
#include "net/tcp_sockets.h"

#include <sys/socket.h>

#include <optional>
#include <vector>

#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {
namespace {

class TcpSocketsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const Endpoint any = *Endpoint::Parse(GetParam());
    listener_.reset(::socket(any.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), any.address(), any.size()) != 0 || ::listen(listener_.get(), 5) != 0) {
      GTEST_SKIP() << "there is no such address";
    }
    at_ = *Endpoint::OfSocket(listener_.get());
    if (ListListenQueues().empty()) GTEST_SKIP() << "this system does not tell";
  }

  UniqueFd Connect() const {
    UniqueFd fd(::socket(at_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), at_.address(), at_.size()), 0);
    return fd;
  }

  std::optional<ListenQueue> Queue() const {
    for (const ListenQueue& queue : ListListenQueues()) {
      if (queue.at == at_) return queue;
    }
    return std::nullopt;
  }

  // The end of a connection that the peer sees as `peer`.
  static std::optional<TcpConnection> ConnectionWith(const Endpoint& peer) {
    for (const TcpConnection& connection : ListTcpConnections(100'000)) {
      if (connection.peer == peer) return connection;
    }
    return std::nullopt;
  }

  UniqueFd listener_;
  Endpoint at_;
};

TEST_P(TcpSocketsTest, ClientsWaitInTheQueueUntilTheyAreAccepted) {
  ASSERT_TRUE(Queue().has_value());
  EXPECT_EQ(Queue()->waiting, 0);
  EXPECT_EQ(Queue()->capacity, 5);
  const UniqueFd first = Connect();
  const UniqueFd second = Connect();
  EXPECT_EQ(Queue()->waiting, 2);
  const UniqueFd accepted(::accept(listener_.get(), nullptr, nullptr));
  EXPECT_EQ(Queue()->waiting, 1);
}

TEST_P(TcpSocketsTest, BytesAreCountedOnBothWays) {
  const UniqueFd client = Connect();
  const UniqueFd accepted(::accept(listener_.get(), nullptr, nullptr));
  const Endpoint peer = *Endpoint::OfSocket(client.get());
  ASSERT_EQ(::send(client.get(), "1234567", 7, 0), 7);
  char bytes[8];
  ASSERT_EQ(::recv(accepted.get(), bytes, 3, 0), 3);
  const std::optional<TcpConnection> connection = ConnectionWith(peer);
  ASSERT_TRUE(connection.has_value());
  EXPECT_EQ(connection->port, at_.port());
  EXPECT_EQ(connection->received, 7);
  EXPECT_EQ(connection->unread, 4);
  EXPECT_EQ(connection->unsent, 0);
  ASSERT_EQ(::send(accepted.get(), "12345", 5, 0), 5);
  ASSERT_EQ(::recv(client.get(), bytes, 5, MSG_WAITALL), 5);
  // On loopback, bytes that were delivered may still be unacknowledged; they are in one of the two counts.
  const std::optional<TcpConnection> later = ConnectionWith(peer);
  ASSERT_TRUE(later.has_value());
  EXPECT_GE(later->acknowledged + later->unsent, 5);
}

TEST_P(TcpSocketsTest, TheListEndsWhereItIsAskedTo) {
  const UniqueFd first = Connect();
  const UniqueFd second = Connect();
  EXPECT_EQ(ListTcpConnections(1).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Families, TcpSocketsTest, testing::Values("127.0.0.1:0", "[::1]:0"));

}  // namespace
}  // namespace polyserve
