#include "net/tcp_bytes.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

class TcpBytesTest : public testing::Test {
 protected:
  TcpBytesTest() {
    const UniqueFd listener = *ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
    far_ = *ConnectTcp(*Endpoint::OfSocket(listener.get()), absl::Seconds(60));
    near_.reset(::accept(listener.get(), nullptr, nullptr));
  }

  TcpBytes Near() const { return ReadTcpBytes(near_.get()).value_or(TcpBytes()); }

  // Sends until the kernel takes no more; returns how much it has taken.
  int64_t Fill() {
    EXPECT_TRUE(SetNonBlocking(near_.get(), true).ok());
    const std::string bytes(1 << 16, 'x');
    int64_t total = 0;
    ssize_t sent = 0;
    while ((sent = ::send(near_.get(), bytes.data(), bytes.size(), 0)) > 0) total += sent;
    EXPECT_EQ(errno, EAGAIN);
    return total;
  }

  // Reads all that comes on the far side, `count` bytes.
  void Empty(int64_t count) {
    std::string bytes(1 << 16, 'x');
    for (ssize_t received = 0; count > 0 && (received = ::recv(far_.get(), &bytes[0], bytes.size(), 0)) > 0;) {
      count -= received;
    }
  }

  template <typename Condition>
  static bool Eventually(const Condition& condition) {
    for (const absl::Time end = absl::Now() + absl::Seconds(30); absl::Now() < end;) {
      if (condition()) return true;
      absl::SleepFor(absl::Milliseconds(1));
    }
    return false;
  }

  UniqueFd near_, far_;
};

TEST_F(TcpBytesTest, WhatCameCountsBeforeItIsRead) {
  const int64_t before = Near().received;
  ASSERT_EQ(::send(far_.get(), "hello", 5, 0), 5);
  EXPECT_TRUE(Eventually([&] { return Near().received == before + 5; }));
}

TEST_F(TcpBytesTest, WhatThePeersSystemHasNoRoomForIsNotAcknowledged) {
  const int64_t before = Near().acknowledged;
  const int64_t total = Fill();
  EXPECT_TRUE(Near().has_unacknowledged);
  EXPECT_LT(Near().acknowledged, before + total);
  Empty(total);
  EXPECT_TRUE(Eventually([&] { return !Near().has_unacknowledged; }));
  EXPECT_EQ(Near().acknowledged, before + total);
}

TEST_F(TcpBytesTest, OtherSocketsHaveNone) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]), two(ends[1]);
  EXPECT_FALSE(ReadTcpBytes(one.get()).has_value());
}

TEST_F(TcpBytesTest, ResetDiscardsWhatIsUnsentAndTellsThePeer) {
  Fill();
  ResetOnClose(near_.get());
  near_.reset();
  char bytes[4096];
  ssize_t received = 0;
  while ((received = ::recv(far_.get(), bytes, sizeof(bytes), 0)) > 0) {
  }
  EXPECT_EQ(received, -1);
  EXPECT_EQ(errno, ECONNRESET);
}

}  // namespace
}  // namespace polyserve
