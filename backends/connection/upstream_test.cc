// Upstream: an exchange with a server that answers, or does something else, on real sockets.
#include "backends/connection/upstream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/ip_address.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"
#include "protocol/output.h"

namespace polyserve {
namespace {

constexpr int kPatienceMilliseconds = 30'000;
constexpr size_t kMaxReplyBytes = 10;

void AwaitReadable(int fd) {
  pollfd readable = {fd, POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, kPatienceMilliseconds), 1);
}

// The other server is this test: it listens, accepts, and does what a case wants, between the steps of the exchange.
class UpstreamTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    absl::StatusOr<UniqueFd> listener = ListenTcp(*Endpoint::Parse(GetParam()), absl::InfiniteDuration());
    if (!listener.ok()) GTEST_SKIP() << listener.status();
    listener_ = *std::move(listener);
    address_ = Endpoint::OfSocket(listener_.get())->AsAddressPort();
  }

  Upstream& Ask(absl::Duration patience = absl::Seconds(30)) {
    Begin(patience);
    return Upstream::Of(output_);
  }

  // As a ring does: the test makes the calls, and reports what they return as completions do.
  Upstream& AskInOperations(absl::Duration patience) {
    Begin(patience);
    return Upstream::Of(output_, Upstream::Socket::kBlocking);
  }
  UniqueFd SendInOperations(Upstream& upstream) {
    EXPECT_EQ(upstream.phase(), Upstream::Phase::kConnect);
    upstream.OnResult(::connect(upstream.fd(), upstream.to().address(), upstream.to().size()));
    EXPECT_EQ(upstream.phase(), Upstream::Phase::kSend);
    UniqueFd server(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    upstream.OnResult(static_cast<int>(::send(upstream.fd(), upstream.unsent().data(), 2, 0)));
    EXPECT_EQ(upstream.unsent(), "llo\n");
    upstream.OnResult(static_cast<int>(::send(upstream.fd(), upstream.unsent().data(), 4, 0)));
    EXPECT_EQ(upstream.phase(), Upstream::Phase::kReceive);
    return server;
  }

  void Begin(absl::Duration patience) {
    output_.Ask({.to = address_, .line = "hello", .max_reply_bytes = kMaxReplyBytes, .patience = patience},
                [this](absl::StatusOr<std::string> reply, Output& output) {
                  reply_ = std::move(reply);
                  output.Write("answered");
                });
  }

  // Steps until the question is sent, and returns the server's end of the connection.
  UniqueFd AwaitQuestion(Upstream& upstream) {
    EXPECT_FALSE(upstream.Step());
    AwaitReadable(listener_.get());
    UniqueFd server(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    while (upstream.wants_room() && !upstream.is_over()) Wait(upstream);
    char buffer[100];
    const ssize_t count = ::recv(server.get(), buffer, sizeof(buffer), 0);
    EXPECT_EQ(std::string(buffer, static_cast<size_t>(std::max<ssize_t>(count, 0))), "hello\n");
    return server;
  }

  // As a driver does.
  static bool Wait(Upstream& upstream) {
    pollfd ready = {upstream.fd(), upstream.wants_room() ? short{POLLOUT} : short{POLLIN}, 0};
    EXPECT_GE(::poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(upstream.Left())) + 1), 0);
    return upstream.Step();
  }

  static void Say(const UniqueFd& server, absl::string_view bytes) {
    ASSERT_EQ(::send(server.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  // Goes on to the end, and returns what the session is told.
  absl::StatusOr<std::string> Finish(Upstream& upstream) {
    while (!upstream.is_over()) Wait(upstream);
    Upstream::Answer(output_);
    EXPECT_FALSE(output_.asks());
    EXPECT_EQ(output_.FrontDatagram(), "answered");
    return reply_;
  }

  UniqueFd listener_;
  AddressPort address_;
  Output output_;
  absl::StatusOr<std::string> reply_ = absl::UnknownError("not answered");
};

// By a pair of sockets, as a process of the same server is asked.
class ConnectedUpstreamTest : public testing::TestWithParam<Upstream::Socket> {
 protected:
  ConnectedUpstreamTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = UniqueFd(ends[0]);
    theirs_ = UniqueFd(ends[1]);
  }

  Upstream& Ask(absl::StatusOr<UniqueFd> connection) {
    auto made = std::make_shared<absl::StatusOr<UniqueFd>>(std::move(connection));
    Output::Question question = {
        .to = {}, .line = "hello", .max_reply_bytes = kMaxReplyBytes, .patience = absl::Seconds(30)};
    question.connect = [made] { return std::move(*made); };
    output_.Ask(std::move(question), [this](absl::StatusOr<std::string> reply, Output&) { reply_ = std::move(reply); });
    return Upstream::Of(output_, GetParam());
  }

  UniqueFd ours_;
  UniqueFd theirs_;
  Output output_;
  absl::StatusOr<std::string> reply_ = absl::UnknownError("none");
};

TEST_P(ConnectedUpstreamTest, ConnectionThatTheQuestionMakesIsAskedAtOnce) {
  Upstream& upstream = Ask(std::move(ours_));
  EXPECT_EQ(upstream.phase(), Upstream::Phase::kSend);
  const bool waits_in_kernel = GetParam() == Upstream::Socket::kBlocking;
  EXPECT_EQ((::fcntl(upstream.fd(), F_GETFL) & O_NONBLOCK) == 0, waits_in_kernel);
  if (waits_in_kernel) {
    upstream.OnResult(static_cast<int>(::send(upstream.fd(), upstream.unsent().data(), upstream.unsent().size(), 0)));
  } else {
    EXPECT_FALSE(upstream.Step());
  }
  char question[16];
  ASSERT_EQ(::recv(theirs_.get(), question, sizeof(question), 0), 6);
  EXPECT_EQ(absl::string_view(question, 6), "hello\n");
  ASSERT_EQ(::send(theirs_.get(), "hi\n", 3, 0), 3);
  if (waits_in_kernel) {
    upstream.OnResult(static_cast<int>(::recv(upstream.fd(), upstream.room(), upstream.room_bytes(), 0)));
  } else {
    EXPECT_TRUE(upstream.Step());
  }
  ASSERT_TRUE(upstream.is_over());
  Upstream::Answer(output_);
  EXPECT_EQ(*reply_, "hi");
}

TEST_P(ConnectedUpstreamTest, ConnectionThatCannotBeMadeIsTheReply) {
  Upstream& upstream = Ask(absl::ResourceExhaustedError("no descriptor is left"));
  ASSERT_TRUE(upstream.is_over());
  Upstream::Answer(output_);
  EXPECT_EQ(reply_.status(), absl::ResourceExhaustedError("no descriptor is left"));
}

INSTANTIATE_TEST_SUITE_P(Sockets, ConnectedUpstreamTest,
                         testing::Values(Upstream::Socket::kNonBlocking, Upstream::Socket::kBlocking));

INSTANTIATE_TEST_SUITE_P(Addresses, UpstreamTest, testing::Values("127.0.0.1:0", "[::1]:0"));

TEST_P(UpstreamTest, LineIsAskedAndItsAnswerReturned) {
  Upstream& upstream = Ask();
  const UniqueFd server = AwaitQuestion(upstream);
  EXPECT_FALSE(upstream.Step()) << "there is no answer yet";
  Say(server, "wor");
  EXPECT_FALSE(Wait(upstream));
  Say(server, "ld\r\n");
  const absl::StatusOr<std::string> reply = Finish(upstream);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(*reply, "world");
}

TEST_P(UpstreamTest, ConnectionEndsWithTheAnswerAndWhatFollowsItIsIgnored) {
  Upstream& upstream = Ask();
  const UniqueFd server = AwaitQuestion(upstream);
  Say(server, "one\ntwo\n");
  EXPECT_EQ(*Finish(upstream), "one");
  AwaitReadable(server.get());  // Its end.
}

TEST_P(UpstreamTest, LongestAnswerIsTakenAndALongerOneRefused) {
  const std::string longest(kMaxReplyBytes, 'x');
  for (const char* end : {"\n", "\r\n"}) {
    Upstream& upstream = Ask();
    const UniqueFd server = AwaitQuestion(upstream);
    Say(server, longest + end);
    EXPECT_EQ(*Finish(upstream), longest);
    output_ = Output();
  }
  for (const char* end : {"x\n", "xx", "xxx"}) {
    Upstream& upstream = Ask();
    const UniqueFd server = AwaitQuestion(upstream);
    Say(server, longest + end);
    const absl::Status status = Finish(upstream).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    output_ = Output();
  }
}

TEST_P(UpstreamTest, ServerThatEndsTheConnectionWithoutAnAnswerIsAnError) {
  for (const char* said : {"", "half"}) {
    Upstream& upstream = Ask();
    UniqueFd server = AwaitQuestion(upstream);
    if (*said != '\0') Say(server, said);
    server.reset();
    const absl::Status status = Finish(upstream).status();
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), address_.ToString())) << status;
    output_ = Output();
  }
}

TEST_P(UpstreamTest, ServerThatHasANameIsCalledByItAlone) {
  output_.Ask({.to = address_, .line = "x", .max_reply_bytes = 1, .patience = absl::ZeroDuration(), .name = "server 7"},
              [this](absl::StatusOr<std::string> reply, Output& output) {
                reply_ = std::move(reply);
                output.Write("answered");
              });
  Upstream& upstream = Upstream::Of(output_, Upstream::Socket::kBlocking);
  upstream.OnResult(-ECANCELED);
  EXPECT_EQ(Finish(upstream).status().message(), "server 7 has not answered within 0");
}

TEST_P(UpstreamTest, ResetIsAnError) {
  Upstream& upstream = Ask();
  UniqueFd server = AwaitQuestion(upstream);
  const linger at_once = {1, 0};
  ASSERT_EQ(::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
  server.reset();
  EXPECT_TRUE(absl::StrContains(Finish(upstream).status().message(), "Connection reset")) << reply_.status();
}

TEST_P(UpstreamTest, PortWithoutAServerIsAnError) {
  listener_.reset();
  const absl::Status status = Finish(Ask()).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "Connection refused")) << status;
}

TEST_P(UpstreamTest, ServerThatDoesNotAnswerHasItsTimeAndNoMore) {
  Upstream& upstream = Ask(absl::Milliseconds(20));
  const absl::Status status = Finish(upstream).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "20ms")) << status;
}

// Of a driver that is late.
TEST_P(UpstreamTest, AnswerThatIsThereCountsThoughTheTimeHasPassed) {
  Upstream& upstream = AskInOperations(absl::ZeroDuration());
  const UniqueFd server = SendInOperations(upstream);
  Say(server, "late\n");
  AwaitReadable(upstream.fd());
  EXPECT_TRUE(upstream.Step());
  EXPECT_EQ(*Finish(upstream), "late");
}

TEST_P(UpstreamTest, OperationThatIsCancelledWhenTheTimeHasPassedIsTheLast) {
  Upstream& upstream = AskInOperations(absl::ZeroDuration());
  const UniqueFd server = SendInOperations(upstream);
  upstream.OnResult(-ECANCELED);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Finish(upstream).status())) << reply_.status();
}

TEST_P(UpstreamTest, ConnectThatIsCancelledWhenTheTimeHasPassedIsTheLastWhateverItSays) {
  for (const int error : {ECANCELED, EINTR, EALREADY}) {
    Upstream& upstream = AskInOperations(absl::ZeroDuration());
    upstream.OnResult(-error);
    ASSERT_TRUE(upstream.is_over()) << error;
    EXPECT_TRUE(absl::IsDeadlineExceeded(Finish(upstream).status())) << reply_.status();
    output_ = Output();
  }
}

TEST_P(UpstreamTest, WithoutADescriptorItIsOverAtOnce) {
  rlimit usual;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  const rlimit none = {0, usual.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Upstream& upstream = Ask();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  EXPECT_TRUE(upstream.Step());
  const absl::Status status = Finish(upstream).status();
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
}

TEST_P(UpstreamTest, DriverThatCannotWaitEndsItWithItsReason) {
  Upstream& upstream = Ask();
  upstream.Step();
  upstream.Fail(absl::ResourceExhaustedError("cannot be watched"));
  EXPECT_EQ(Finish(upstream).status().message(), "cannot be watched");
}

// The order matters to a poller: a descriptor that is closed may be another one's soon.
TEST_P(UpstreamTest, WatchEndsBeforeTheDescriptorIsClosed) {
  class Probe : public Upstream::Watch {
   public:
    Probe(int fd, bool& was_open) : fd_(fd), was_open_(was_open) {}
    ~Probe() override {
      sockaddr_storage address = {};
      socklen_t size = sizeof(address);
      was_open_ = ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    }

   private:
    const int fd_;
    bool& was_open_;
  };
  Upstream& upstream = Ask();
  bool was_open = false;
  upstream.watch = std::make_unique<Probe>(upstream.fd(), was_open);
  output_ = Output();
  EXPECT_TRUE(was_open);
}

TEST_P(UpstreamTest, OperationsOfARingLeadToTheAnswerAsWell) {
  Upstream& upstream = AskInOperations(absl::Seconds(30));
  const UniqueFd server = SendInOperations(upstream);
  upstream.OnResult(-ECANCELED);
  upstream.OnResult(-EINTR);
  EXPECT_FALSE(upstream.is_over()) << "there is time left";
  Say(server, "world\n");
  upstream.OnResult(static_cast<int>(::recv(upstream.fd(), upstream.room(), upstream.room_bytes(), 0)));
  ASSERT_TRUE(upstream.is_over());
  EXPECT_EQ(*Finish(upstream), "world");
}

}  // namespace
}  // namespace polyserve
