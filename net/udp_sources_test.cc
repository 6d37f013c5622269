#include "net/udp_sources.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "net/datagram.h"
#include "net/endpoint.h"

namespace polyserve {

namespace {

bool MayAnswer(const std::string& peer, bool own_ports, const std::string& local = "") {
  const UdpSources sources({*Endpoint::Parse("127.0.0.1:8082"), *Endpoint::Parse("0.0.0.0:8087")});
  DatagramPath path = {.peer = *Endpoint::Parse(peer), .local = {}};
  if (!local.empty()) path.local = *Endpoint::Parse(local + ":0");
  return sources.MayAnswer(path, own_ports);
}

TEST(UdpSourcesTest, ClientsAreAnswered) {
  for (const bool own_ports : {false, true}) {
    EXPECT_TRUE(MayAnswer("127.0.0.1:40000", own_ports));
    EXPECT_TRUE(MayAnswer("10.0.0.1:1024", own_ports));
    EXPECT_TRUE(MayAnswer("[::1]:40000", own_ports));
  }
}

TEST(UdpSourcesTest, PortsOfServersAreNotAnsweredByThoseThatAnswerEverything) {
  for (const char* peer : {"127.0.0.1:8082", "127.0.0.1:8087", "10.0.0.1:8082", "[::1]:8082", "10.0.0.1:7",
                           "10.0.0.1:19", "10.0.0.1:1023", "10.0.0.1:0"}) {
    EXPECT_FALSE(MayAnswer(peer, false)) << peer;
  }
}

TEST(UdpSourcesTest, OnlyTheServerItselfIsNoClientWhereEachHasAPort) {
  EXPECT_TRUE(MayAnswer("10.0.0.1:69", true));
  EXPECT_TRUE(MayAnswer("10.0.0.1:8082", true));
  EXPECT_FALSE(MayAnswer("127.0.0.1:8082", true));
  EXPECT_FALSE(MayAnswer("10.0.0.1:0", true));
  EXPECT_FALSE(MayAnswer("10.0.0.7:8087", true, "10.0.0.7")) << "which is the address that was sent to";
  EXPECT_TRUE(MayAnswer("10.0.0.8:8087", true, "10.0.0.7"));
}

}  // namespace

}  // namespace polyserve
