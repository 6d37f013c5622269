// A server that was told to stop says so before it does (--stop_notice), so that a load balancer can turn to another
// one while all clients are still served.
#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

class NoticeTest : public EveryModelTest {
 protected:
  // A new client's question, as a load balancer asks it.
  bool IsReady() {
    Peer peer = Connect("http");
    peer.Send("GET /-/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const std::string reply = peer.ReadToEnd();
    EXPECT_TRUE(absl::StartsWith(reply, "HTTP/1.1 200 ") || absl::StartsWith(reply, "HTTP/1.1 503 ")) << reply;
    return absl::StartsWith(reply, "HTTP/1.1 200 ");
  }
};

TEST_F(NoticeTest, AllClientsAreServedUntilTheServerIsToldAgain) {
  StartServer({"--stop_notice=10m"});
  EXPECT_TRUE(IsReady());
  server().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([this] { return !IsReady(); }));
  EXPECT_FALSE(IsReady());
  ExpectServesOthers();
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

TEST_F(NoticeTest, StopBeginsWhenItIsOver) {
  StartServer({"--stop_notice=200ms"});
  EXPECT_TRUE(IsReady());
  server().Signal(SIGTERM);
  ExpectCleanExit();
  const std::vector<std::string> pieces = absl::StrSplit(server().log(), "told to stop: ");
  // By the one that was told, unless the notice is over before it gets the processor.
  EXPECT_LE(pieces.size(), 1 + 1) << server().log();
}

// As a Ctrl-C, or a service manager that signals all processes of a service.
TEST_F(NoticeTest, SignalForAllProcessesEndsNoConnection) {
  StartServer({"--stop_notice=10m"});
  Peer peer = Connect("echo");
  EXPECT_TRUE(IsServed(peer));
  for (const pid_t process : server().processes()) {
    if (process != server().pid()) ::kill(process, SIGTERM);
  }
  server().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "told to stop: "); }));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsServed(peer));
  if (can().keeps_clients_apart) ExpectServesOthers();
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

TEST_F(NoticeTest, ThirdSignalEndsTheServerAtOnce) {
  StartServer({"--stop_notice=10m", "--drain_timeout=10m", "--stop_grace=5m"});
  Peer silent = Connect("echo");
  EXPECT_TRUE(IsServed(silent));
  server().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "told to stop: "); }));
  server().SignalAndAwaitDelivery(SIGTERM);
  server().Signal(SIGTERM);
  EXPECT_EQ(server().AwaitExit(), 128 + SIGTERM);
}

TEST_F(NoticeTest, UpgradeNeedsNone) {
  StartServer({"--stop_notice=10m"});
  Peer peer = Connect("http");
  peer.Send("GET /none HTTP/1.1\r\nHost: localhost\r\n\r\nGET /-/ready HTTP/1.1\r\nHost: ");
  EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "HTTP/1.1 404 "));
  ASSERT_TRUE(server().Upgrade());
  EXPECT_TRUE(IsReady());
  // The new server has the same address, so what the earlier one answers is about that.
  peer.Send("localhost\r\n\r\n");
  peer.HalfClose();
  const std::string rest = peer.ReadToEnd();
  EXPECT_TRUE(absl::StrContains(rest, "HTTP/1.1 200 ")) << rest;
  server().AwaitPredecessors();
  server().Signal(SIGTERM);
  // Two signals of one kind may count as one until the first has been answered.
  EXPECT_TRUE(Eventually([this] { return !IsReady(); }));
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

TEST_F(NoticeTest, ServerThatWillStopStartsNoNewOne) {
  StartServer({"--stop_notice=10m"});
  server().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([this] { return !IsReady(); }));
  server().Signal(SIGUSR2);
  EXPECT_TRUE(
      Eventually([this] { return absl::StrContains(server().log(), "SIGUSR2: no upgrade: this server stops"); }));
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

}  // namespace

}  // namespace polyserve
