// Connection: lines and bytes, and that every wait ends.
#include "client/connection.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/scripted_peer.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

namespace {

struct Pair {
  Connection near;
  Connection far;
};

Pair MakePair(const ConnectionOptions& options) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  return {Connection::TakeOver(UniqueFd(fds[0]), options).value(), Connection::TakeOver(UniqueFd(fds[1]), {}).value()};
}

TEST(ConnectionTest, LinesAndBytesComeInOrder) {
  Pair pair = MakePair({});
  ASSERT_TRUE(pair.far.Write("one\n\ntwo\nrest").ok());
  EXPECT_EQ(*pair.near.ReadLine(10), "one");
  EXPECT_EQ(*pair.near.ReadLine(10), "");
  EXPECT_EQ(*pair.near.ReadSome(2), "tw");
  EXPECT_EQ(*pair.near.ReadLine(10), "o");
  EXPECT_EQ(*pair.near.ReadSome(100), "rest");
  pair.far.Close();
  EXPECT_EQ(*pair.near.ReadSome(100), "");
}

TEST(ConnectionTest, LineThatComesInPiecesIsOne) {
  Pair pair = MakePair({});
  ASSERT_TRUE(pair.far.Write("first\nha").ok());
  EXPECT_EQ(*pair.near.ReadLine(10), "first");
  ASSERT_TRUE(pair.far.Write("lf\n").ok());
  EXPECT_EQ(*pair.near.ReadLine(10), "half");
}

TEST(ConnectionTest, LineMayHaveTheBoundAndNotMore) {
  Pair pair = MakePair({});
  ASSERT_TRUE(pair.far.Write("12345\n123456\n").ok());
  EXPECT_EQ(*pair.near.ReadLine(5), "12345");
  EXPECT_TRUE(absl::IsDataLoss(pair.near.ReadLine(5).status()));
}

TEST(ConnectionTest, LineWithoutAnEndIsGivenUpAtTheBound) {
  ScriptedPeer peer([](Connection& client) {
    const std::string much(Connection::kBufferBytes, 'x');
    while (client.Write(much).ok()) {  // For ever, unless the other side gives up.
    }
  });
  Connection connection = Connection::Open(peer.endpoint(), {}).value();
  EXPECT_TRUE(absl::IsDataLoss(connection.ReadLine(Connection::kBufferBytes - 1).status()));
}

TEST(ConnectionTest, EndInsideOfALineIsALostConnection) {
  Pair pair = MakePair({});
  ASSERT_TRUE(pair.far.Write("hal").ok());
  pair.far.Close();
  EXPECT_TRUE(absl::IsUnavailable(pair.near.ReadLine(10).status()));
}

TEST(ConnectionTest, SilenceEndsAfterTheIdleTimeout) {
  ConnectionOptions options;
  options.idle_timeout = absl::Milliseconds(20);
  Pair pair = MakePair(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(pair.near.ReadLine(10).status()));
}

TEST(ConnectionTest, PeerThatDoesNotReadEndsAfterTheIdleTimeout) {
  ConnectionOptions options;
  options.idle_timeout = absl::Milliseconds(20);
  Pair pair = MakePair(options);
  EXPECT_TRUE(absl::IsDeadlineExceeded(pair.near.Write(std::string(16 << 20, 'x'))));
}

TEST(ConnectionTest, CancelEndsAWait) {
  const UniqueFd cancel(::eventfd(1, EFD_CLOEXEC));
  ConnectionOptions options;
  options.cancel = &cancel;
  Pair pair = MakePair(options);
  EXPECT_TRUE(absl::IsCancelled(pair.near.ReadLine(10).status()));
}

TEST(ConnectionTest, IsQuietUntilThePeerSpeaksOrCloses) {
  Pair pair = MakePair({});
  EXPECT_TRUE(pair.near.is_quiet());
  ASSERT_TRUE(pair.far.Write("a\nb").ok());
  EXPECT_FALSE(pair.near.is_quiet());
  EXPECT_EQ(*pair.near.ReadLine(10), "a");
  EXPECT_FALSE(pair.near.is_quiet());  // The rest is in the buffer.
  EXPECT_EQ(*pair.near.ReadSome(10), "b");
  EXPECT_TRUE(pair.near.is_quiet());
  pair.far.Close();
  EXPECT_FALSE(pair.near.is_quiet());
}

TEST(ConnectionTest, NobodyThereIsSaidInPlainWords) {
  Endpoint nobody;
  {
    const UniqueFd listener = ListenTcp(Endpoint::Parse("127.0.0.1:0").value(), absl::InfiniteDuration()).value();
    nobody = Endpoint::OfSocket(listener.get()).value();
  }
  const absl::Status status = Connection::Open(nobody, {}).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(), absl::StrCat("cannot connect to ", nobody.ToString(), ": connection refused"));
}

}  // namespace

}  // namespace polyserve
