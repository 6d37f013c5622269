// The load generator against servers that close when they like, answer wrongly, go away, or were never there; and on a
// machine that has no ports left. What is the server's right is no fault, and lost requests do not make the times look
// better.

#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/arrivals.h"
#include "client/load/exchange.h"
#include "client/load/fake_server.h"
#include "client/load/generator.h"
#include "client/load/http_get.h"
#include "client/load/plan.h"
#include "client/load/report.h"
#include "client/load/small_network.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

using testing::PrintToString;

constexpr char kRequest[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr size_t kRequestBytes = sizeof(kRequest) - 1;
constexpr char kReply[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

bool Hear(int fd, size_t bytes = kRequestBytes) {
  char buffer[kRequestBytes];
  return ::recv(fd, buffer, bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes);
}

std::shared_ptr<const std::string> Text(absl::string_view text) { return std::make_shared<const std::string>(text); }

LoadPlan PlanFor(const Endpoint& server) {
  LoadPlan plan;
  plan.workload = "test";
  plan.to = server;
  plan.connections = 2;
  plan.duration = absl::Milliseconds(300);
  plan.make_exchange = [] { return std::make_unique<HttpGet>(Text(kRequest), Text("hello")); };
  return plan;
}

LoadTally CarryOut(const LoadPlan& plan) {
  absl::StatusOr<LoadTally> tally = RunLoad(plan);
  EXPECT_TRUE(tally.ok()) << tally.status();
  return tally.ok() ? *std::move(tally) : LoadTally();
}

void ExpectGoodWithReconnections(const LoadPlan& plan) {
  const LoadTally tally = CarryOut(plan);
  EXPECT_GT(tally.replies, 10u);
  EXPECT_GT(tally.reconnections, 0u);
  EXPECT_EQ(FaultsOf(plan, tally), std::vector<std::string>());
}

// As nginx does after keepalive_requests.
TEST(WorkerTest, AnnouncedCloseIsNoFault) {
  const FakeServer server([](int fd) {
    for (int i = 0; i < 4 && Hear(fd); ++i) Say(fd, kReply);
    if (Hear(fd)) Say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
  });
  ExpectGoodWithReconnections(PlanFor(server.address()));
}

// The request is asked again on another connection, with the time that it has lost.
TEST(WorkerTest, CloseBetweenTwoRepliesIsNoFault) {
  for (const int depth : {1, 3}) {
    const FakeServer server([](int fd) {
      for (int i = 0; i < 5 && Hear(fd); ++i) Say(fd, kReply);
    });
    LoadPlan plan = PlanFor(server.address());
    plan.depth = depth;
    ExpectGoodWithReconnections(plan);
  }
}

TEST(WorkerTest, IdleConnectionsMayBeClosedInOpenLoop) {
  const FakeServer server([](int fd) {
    if (Hear(fd)) Say(fd, kReply);
  });
  LoadPlan plan = PlanFor(server.address());
  plan.rate = 200;
  ExpectGoodWithReconnections(plan);
}

TEST(WorkerTest, OldServersAreServersToo) {
  for (const char* reply : {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 200 OK\r\n\r\nhello",
                            "HTTP/1.1 200 OK\r\nConnection: Close\r\nTransfer-Encoding: "
                            "chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"}) {
    const FakeServer server([reply](int fd) {
      if (Hear(fd)) Say(fd, reply);
    });
    ExpectGoodWithReconnections(PlanFor(server.address()));
  }
}

// It never answers: trying for ever would be in vain, and trying without a pause would spin.
TEST(WorkerTest, CloseWithoutAnyReplyIsAFaultAndNotTriedInASpin) {
  const FakeServer server([](int fd) { Hear(fd); });
  const LoadTally tally = CarryOut(PlanFor(server.address()));
  EXPECT_EQ(tally.replies, 0u);
  EXPECT_GT(tally.broken, 0u);
  EXPECT_LE(tally.broken, 20u);
  EXPECT_GT(tally.unanswered, 0u);
}

TEST(WorkerTest, CloseWithinAReplyIsAFault) {
  const FakeServer server([](int fd) {
    if (Hear(fd)) Say(fd, kReply);
    if (Hear(fd)) Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
  });
  const LoadTally tally = CarryOut(PlanFor(server.address()));
  EXPECT_GT(tally.unanswered, 0u);
  EXPECT_GE(tally.broken, tally.unanswered);  // The last one may have been due when the time was over.
}

TEST(WorkerTest, WrongReplyIsCountedOnceAsWrong) {
  const FakeServer server([](int fd) {
    while (Hear(fd)) Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo");
  });
  const LoadTally tally = CarryOut(PlanFor(server.address()));
  EXPECT_GT(tally.wrong, 0u);
  EXPECT_EQ(tally.unanswered, 0u);
  EXPECT_EQ(tally.broken, 0u);
}

// Every second request is lost after a while. Without their times, the percentiles would be those of the lucky half.
TEST(WorkerTest, LostRequestsCountWithTheirAge) {
  const FakeServer server([](int fd) {
    for (int i = 0; i < 2 && Hear(fd); ++i) Say(fd, i == 0 ? kReply : "HTTP/1.1 200 OK\r\n");
  });
  const LoadTally tally = CarryOut(PlanFor(server.address()));
  EXPECT_GT(tally.unanswered, 0u);
  EXPECT_EQ(tally.service.count(), tally.response.count());
  EXPECT_GE(tally.service.count(), tally.replies + tally.unanswered);
}

// There is a free connection for each of ten requests, however late the replies are.
TEST(WorkerTest, LatenessIsOfAllRequestsThatNeedNotWait) {
  const FakeServer server([](int fd) {
    while (Hear(fd)) Say(fd, kReply);
  });
  LoadPlan plan = PlanFor(server.address());
  plan.connections = 10;
  plan.rate = 100;
  plan.arrivals = Arrivals::Kind::kFixed;
  plan.duration = absl::Milliseconds(100);
  const LoadTally tally = CarryOut(plan);
  EXPECT_EQ(tally.due, 10u);
  EXPECT_EQ(tally.lateness.count(), 10u);
  EXPECT_LE(tally.lateness.max(), tally.response.max());
}

TEST(WorkerTest, WaitingForAConnectionIsNotTheGeneratorsLateness) {
  const FakeServer server([](int fd) {
    while (Hear(fd)) continue;
  });
  LoadPlan plan = PlanFor(server.address());
  plan.connections = 1;
  plan.rate = 100;
  plan.arrivals = Arrivals::Kind::kFixed;
  plan.duration = absl::Milliseconds(100);
  plan.patience = absl::Seconds(1);
  const LoadTally tally = CarryOut(plan);
  EXPECT_EQ(tally.due, 10u);
  EXPECT_EQ(tally.lateness.count(), 1u);
}

TEST(WorkerTest, InterruptedRunTellsWhatItMeasured) {
  const FakeServer server([](int fd) {
    while (Hear(fd)) Say(fd, kReply);
  });
  std::atomic<bool> interrupted = false;
  LoadPlan plan = PlanFor(server.address());
  plan.duration = absl::Hours(1);
  plan.threads = 2;
  plan.interrupted = &interrupted;
  plan.on_counting = [&interrupted](bool) { interrupted = true; };
  const LoadTally tally = CarryOut(plan);
  EXPECT_TRUE(tally.interrupted);
  EXPECT_LT(tally.seconds, 3600);
  EXPECT_EQ(FaultsOf(plan, tally), std::vector<std::string>()) << PrintToString(FaultsOf(plan, tally));
}

class SmallNetworkTest : public testing::Test {
 protected:
  void Enter(int ports) {
    if (!EnterSmallNetwork(ports)) GTEST_SKIP() << "no network of its own: " << std::strerror(errno);
  }
};

// With ten ports it takes a few tries only until a socket gets the very port that it connects to. This server never
// says anything, so anything received is an echo of the client's own bytes.
TEST_F(SmallNetworkTest, ServerThatIsGoneIsNotReplacedByOurselves) {
  Enter(10);
  if (IsSkipped()) return;
  FakeServer server([](int fd) { Hear(fd); }, absl::StrCat("127.0.0.1:", kFirstPort + 4));
  LoadPlan plan = PlanFor(server.address());
  plan.make_exchange = [] { return std::make_unique<FixedExchange>(Text(kRequest), Text(kRequest)); };
  plan.connections = 5;
  plan.warm_up = absl::Milliseconds(100);
  plan.duration = absl::Seconds(1);
  plan.on_counting = [&server](bool) { server.Stop(); };
  const LoadTally tally = CarryOut(plan);
  EXPECT_EQ(tally.replies_in_all, 0u);
  EXPECT_GT(tally.not_connected, 0u);
  const absl::StatusOr<UniqueFd> listener = ListenTcp(plan.to, absl::InfiniteDuration());
  EXPECT_TRUE(listener.ok()) << "no port was kept: " << listener.status();
}

TEST_F(SmallNetworkTest, MissingPortsAreWaitedForAndNamed) {
  Enter(10);
  if (IsSkipped()) return;
  const FakeServer server(
      [](int fd) {
        if (Hear(fd)) Say(fd, kReply);
        Hear(fd);  // The client closes first, so that its ports wait in TIME_WAIT.
      },
      "[::1]:1234");
  LoadPlan plan = PlanFor(server.address());
  plan.connection_each = true;
  plan.warm_up = absl::Milliseconds(500);
  plan.on_counting = [](bool begins) { EXPECT_TRUE(!begins || SetPorts(10'000)); };
  const LoadTally tally = CarryOut(plan);
  EXPECT_GT(tally.replies, 0u) << "goes on when there are ports again";
  EXPECT_GT(tally.not_connected, 0u);
  const std::string causes = PrintToString(tally.causes);
  EXPECT_TRUE(absl::StrContains(causes, "no port is left; see net.ipv4.ip_local_port_range")) << causes;
}

}  // namespace
}  // namespace polyserve
