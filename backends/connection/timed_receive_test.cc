// ReceiveTimed: the bytes of a recv(2), and the arrival that the kernel has noted.
#include "backends/connection/timed_receive.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/connection/conversation.h"
#include "backends/connection/conversation_test_fixture.h"
#include "backends/connection/timed_turn.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/request_times.h"
#include "net/socket.h"
#include "protocol/output.h"

namespace polyserve {
namespace {

constexpr std::chrono::milliseconds kAWhile(5);

class TimedReceiveTest : public ConversationTest {
 protected:
  // The kernel may begin to stamp a moment after the first socket has asked for it, hence Send() until it does.
  void Connect(bool stamps_arrivals) {
    ListenOptions options;
    options.stamps_arrivals = stamps_arrivals;
    const absl::StatusOr<UniqueFd> listener =
        ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration(), options);
    ASSERT_TRUE(listener.ok()) << listener.status();
    const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener->get());
    ASSERT_TRUE(at.ok());
    client_ = *ConnectTcp(*Endpoints::Parse(at->ToString()), absl::Seconds(20));
    pollfd readable = {listener->get(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 20'000), 1);
    server_ = UniqueFd(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ASSERT_TRUE(server_.ok());
  }

  void SendAndAwait(absl::string_view bytes) {
    ASSERT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    pollfd readable = {server_.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 20'000), 1);
  }

  // As a loop does, whose wait begins and ends now.
  ssize_t Receive() {
    Next();
    turn_.BeginWait();
    turn_.EndWait();
    return ReceiveTimed(server_.get(), buffer_, sizeof(buffer_), 0, *turn_.timed(), conversation_);
  }

  // Answers what was received, and returns how long it lay in the socket.
  double SecondsInSocket(ssize_t count) {
    const double before = OfParts(RequestPart::kSocket);
    conversation_.OnBytes(absl::string_view(buffer_, static_cast<size_t>(count)), output_);
    Next();
    Send();
    Next();
    return OfParts(RequestPart::kSocket) - before;
  }
  double OfParts(RequestPart part) const {
    return times_.FiguresOf(kNoService).parts[static_cast<size_t>(part)].seconds;
  }

  const std::unique_ptr<RequestTimes::Table> table_ = std::make_unique<RequestTimes::Table>();
  const RequestTimes times_ = RequestTimes(*table_, 1);
  TimedTurn turn_ = TimedTurn(times_);
  UniqueFd client_;
  UniqueFd server_;
  char buffer_[100];
};

TEST_F(TimedReceiveTest, BytesThatLieInTheSocketAreAsOldAsTheKernelSays) {
  Connect(/*stamps_arrivals=*/true);
  const std::string request = "count\none\n";
  double seconds = 0;
  for (int i = 0; i < 1000 && seconds == 0; ++i) {
    SendAndAwait(request);
    std::this_thread::sleep_for(kAWhile);  // No wait for anything: it only makes the request older.
    ASSERT_EQ(Receive(), static_cast<ssize_t>(request.size()));
    ASSERT_TRUE(conversation_.is_timed());
    seconds = SecondsInSocket(static_cast<ssize_t>(request.size()));
  }
  EXPECT_GE(seconds, std::chrono::duration<double>(kAWhile).count());
}

TEST_F(TimedReceiveTest, WithoutTheKernelsWordTheyComeWithTheEndOfTheWait) {
  Connect(/*stamps_arrivals=*/false);
  const std::string request = "count\none\n";
  SendAndAwait(request);
  std::this_thread::sleep_for(kAWhile);
  ASSERT_EQ(Receive(), static_cast<ssize_t>(request.size()));
  EXPECT_EQ(SecondsInSocket(static_cast<ssize_t>(request.size())), 0);
  EXPECT_EQ(times_.FiguresOf(kNoService).whole.count, 1);
}

TEST_F(TimedReceiveTest, NothingToReceiveIsNotTimed) {
  Connect(/*stamps_arrivals=*/true);
  ASSERT_EQ(Receive(), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_FALSE(conversation_.is_timed());
}

TEST_F(TimedReceiveTest, EndOfThePeerIsNotTimed) {
  Connect(/*stamps_arrivals=*/true);
  ::shutdown(client_.get(), SHUT_WR);
  pollfd readable = {server_.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 20'000), 1);
  EXPECT_EQ(Receive(), 0);
  EXPECT_FALSE(conversation_.is_timed());
}

// As recv(2) does: a client could otherwise use up the server's descriptors.
TEST_F(TimedReceiveTest, DescriptorsThatComeAlongAreClosed) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  client_ = UniqueFd(ends[0]);
  server_ = UniqueFd(ends[1]);
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd reader(pipe_ends[0]);
  UniqueFd writer(pipe_ends[1]);
  char byte = 'x';
  iovec piece = {&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* const passed = CMSG_FIRSTHDR(&message);
  passed->cmsg_level = SOL_SOCKET;
  passed->cmsg_type = SCM_RIGHTS;
  passed->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(passed), &pipe_ends[1], sizeof(int));
  ASSERT_EQ(::sendmsg(client_.get(), &message, MSG_NOSIGNAL), 1);
  writer.reset();
  EXPECT_EQ(Receive(), 1);
  EXPECT_EQ(::read(reader.get(), &byte, 1), 0) << "somebody still has the other end";
}

}  // namespace
}  // namespace polyserve
