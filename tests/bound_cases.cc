// What one client may take of a server. Each bound holds over all processes of a model, and hinders nobody else.
#include <signal.h>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

using BoundTest = EveryModelTest;

// Its system would answer nothing if it had crashed, and resets if it has started again, as here.
TEST_F(BoundTest, PeerThatIsGoneWithoutAWordDoesNotStayForEver) {
  StartServer({"--idle_timeout=inf", "--tcp_keep_alive=1s"});
  Peer peer = Connect("echo");
  EXPECT_TRUE(IsServed(peer));
  if (!peer.Vanish()) GTEST_SKIP() << "only root can do that";
  EXPECT_TRUE(Eventually([this] {
    server().Signal(SIGUSR1);
    return absl::StrContains(server().log(), "accepted 1, active 0, ");
  }));
  ExpectServesOthers();
}

}  // namespace

}  // namespace polyserve
