// HasHalfOpenConnections, RefuseNewClients: a listener that leaves a handshake half done until data comes
// (TCP_DEFER_ACCEPT, see tcp(7)) is told apart from one without clients, and accepts its last client while it refuses
// others.
#include "net/half_open.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/deadline.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

class HalfOpenTest : public testing::TestWithParam<std::string> {
 protected:
  HalfOpenTest() : listener_(*ListenTcp(*Endpoint::Parse(GetParam()), absl::InfiniteDuration(), {})) {
    const int seconds = 60;
    EXPECT_EQ(::setsockopt(listener_.get(), IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)), 0);
  }

  absl::StatusOr<UniqueFd> Connect() { return ConnectTcp(*Endpoint::OfSocket(listener_.get()), kPatience); }

  void AwaitClient() {
    const Deadline deadline(kPatience);
    while (!IsReadable(listener_.get()) && !deadline.passed()) {
    }
    EXPECT_TRUE(IsReadable(listener_.get()));
  }

  const UniqueFd listener_;
};

TEST_P(HalfOpenTest, HandshakeThatIsHalfDoneIsSeenUntilItEnds) {
  EXPECT_FALSE(HasHalfOpenConnections(listener_.get()));
  const absl::StatusOr<UniqueFd> client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(HasHalfOpenConnections(listener_.get()));
  EXPECT_EQ(::send(client->get(), "x", 1, 0), 1);
  AwaitClient();
  EXPECT_FALSE(HasHalfOpenConnections(listener_.get()));
}

TEST_P(HalfOpenTest, WhoIsConnectingIsTakenAndWhoComesLaterIsRefused) {
  const absl::StatusOr<UniqueFd> client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  RefuseNewClients(listener_.get());
  RefuseNewClients(listener_.get());
  EXPECT_TRUE(absl::IsUnavailable(Connect().status()));
  EXPECT_EQ(::send(client->get(), "x", 1, 0), 1);
  AwaitClient();
  const UniqueFd served(::accept(listener_.get(), nullptr, nullptr));
  ASSERT_TRUE(served.ok());
  char byte = 0;
  EXPECT_EQ(::recv(served.get(), &byte, 1, 0), 1);
  EXPECT_EQ(::send(served.get(), "y", 1, 0), 1);
  EXPECT_EQ(::recv(client->get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, 'y');
}

INSTANTIATE_TEST_SUITE_P(Families, HalfOpenTest, testing::Values("127.0.0.1:0", "[::1]:0"));

}  // namespace

}  // namespace polyserve
