// What the server does while there is nothing to do but to wait: next to nothing, whatever it waits for, and however
// the system refuses to go on. (Without descriptors: see crowd_cases.cc.)
#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/refuse_call.h"
#include "tests/server_process.h"

namespace polyserve {

namespace {

class QuietTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    if (can().spins) GTEST_SKIP() << "by design: it never sleeps";
  }

  // A server that spins needs all of the window, and more.
  void ExpectIsQuiet() {
    // Workers that are still starting do not count. To wait for a moment in which all sleep would not do: each looks
    // now and then whether it may go on.
    EXPECT_TRUE(Eventually([this] { return TimeTakenInAWindow() < kWindow / 2; }));
    EXPECT_LT(TimeTakenInAWindow(), kWindow / 2);
  }

  static bool can_be_full() { return can().keeps_clients_apart && can().bounds_connections; }

 private:
  static constexpr absl::Duration kWindow = absl::Milliseconds(200);

  absl::Duration TimeTakenInAWindow() {
    const absl::Duration before = server().ProcessorTime();
    absl::SleepFor(kWindow);
    return server().ProcessorTime() - before;
  }
};

TEST_F(QuietTest, FullServerIsQuietWhetherClientsWaitOrAreRefused) {
  if (!can_be_full()) GTEST_SKIP() << "it is never full";
  for (const std::string overload : {"wait", "refuse"}) {
    StartServer({"--max_connections=2", absl::StrCat("--overload=", overload)});
    std::vector<Peer> peers;
    for (int i = 0; i < 2; ++i) {
      peers.push_back(Connect("echo"));
      EXPECT_TRUE(IsServed(peers.back()));
    }
    ExpectIsQuiet();
    // Under `wait` it stays in the kernel's queue, and the listener stays readable: a loop that watched it would spin.
    Peer next = Connect("echo");
    ExpectIsQuiet();
    peers.clear();
    EXPECT_EQ(IsServed(next), overload == "wait");
  }
}

// EPERM: a security module, a filter; ECONNABORTED: for ever, which is no longer one client's bad luck; EIO: an error
// that the manual does not list.
TEST_F(QuietTest, ServerThatMayNotAcceptSaysSoStaysQuietAndStops) {
  // A ring accepts by itself, without accept4(2), unless it has to look for a place first.
  const std::string model = can().kernel_accepts ? "--max_connections=1000" : "--root=.";
  for (const int error : {EPERM, ECONNABORTED, EIO}) {
    StartServer({.flags = {model}, .before_exec = [error] { RefuseCall(SYS_accept4, error); }});
    Peer peer = Connect("echo");
    EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "cannot accept a connection"); }));
    ExpectIsQuiet();
    server().Signal(SIGTERM);
    EXPECT_TRUE(peer.AwaitClose());
    EXPECT_EQ(server().AwaitExit(), 0);
    EXPECT_FALSE(absl::StrContains(server().log(), "--drain_timeout has passed"));
  }
}

}  // namespace

}  // namespace polyserve
