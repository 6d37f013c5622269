// AckWaitLeft: the pause begins when the peer's system has acknowledged all that was sent.
#include "backends/connection/ack_wait.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

using Clock = std::chrono::steady_clock;

constexpr absl::Duration kPause = absl::Milliseconds(20);

class PauseTest : public testing::Test {
 protected:
  void SetUp() override {
    const UniqueFd listener = *ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
    // A small window, so that it is soon full.
    const int window = 4096;
    ::setsockopt(listener.get(), SOL_SOCKET, SO_SNDBUF, &window, sizeof(window));
    peer_ = *ConnectTcp(*Endpoint::OfSocket(listener.get()), absl::Seconds(30));
    pollfd acceptable = {listener.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&acceptable, 1, -1), 1);
    socket_.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ASSERT_TRUE(socket_.ok());
    output_.Pause(kPause, [](Output&) {});
  }

  // Sends until the peer's window is full, so that some of it is not acknowledged.
  void FillWindow() {
    const std::string bytes(4096, 'x');
    pollfd writable = {socket_.get(), POLLOUT, 0};
    do {
      while (::send(socket_.get(), bytes.data(), bytes.size(), 0) > 0) {
      }
    } while (::poll(&writable, 1, 200) == 1);
  }

  void AwaitEnd() {
    while (AckWaitLeft(socket_.get(), output_) > absl::ZeroDuration()) {
    }
  }

  UniqueFd socket_;
  UniqueFd peer_;
  Output output_;
};

TEST_F(PauseTest, NoPauseIsOverAtOnce) {
  Output output;
  output.Work([](Output&) {});
  EXPECT_EQ(AckWaitLeft(socket_.get(), output), absl::ZeroDuration());
}

TEST_F(PauseTest, LastsAsLongAsTheSessionWantsAndNoShorter) {
  const Clock::time_point begin = Clock::now();
  EXPECT_GT(AckWaitLeft(socket_.get(), output_), absl::ZeroDuration());
  AwaitEnd();
  EXPECT_GE(absl::FromChrono(Clock::now() - begin), kPause);
  EXPECT_EQ(AckWaitLeft(socket_.get(), output_), absl::ZeroDuration()) << "over is over";
}

TEST_F(PauseTest, BeginsOnlyWhenAllIsAcknowledged) {
  FillWindow();
  EXPECT_GT(AckWaitLeft(socket_.get(), output_), absl::ZeroDuration());
  EXPECT_FALSE(output_.pause().end.has_value());
  std::string sink(1 << 20, '\0');
  while (!output_.pause().end.has_value()) {
    [[maybe_unused]] const ssize_t taken = ::recv(peer_.get(), &sink[0], sink.size(), MSG_DONTWAIT);
    AckWaitLeft(socket_.get(), output_);
  }
  AwaitEnd();
}

TEST_F(PauseTest, WorkAfterATimeAsksForNoAcknowledgement) {
  FillWindow();
  Output output;
  const Clock::time_point begin = Clock::now();
  output.WorkAfter(kPause, [](Output&) {});
  EXPECT_LE(AckWaitLeft(socket_.get(), output), kPause);
  while (AckWaitLeft(socket_.get(), output) > absl::ZeroDuration()) {
  }
  EXPECT_GE(absl::FromChrono(Clock::now() - begin), kPause);
}

TEST_F(PauseTest, EndsWhereThePeerIsGone) {
  FillWindow();
  const linger reset = {1, 0};
  ::setsockopt(peer_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  peer_.reset();
  AwaitEnd();
}

}  // namespace
}  // namespace polyserve
