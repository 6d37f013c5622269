// Which targets of --relay_to are the server itself.
#include "relay_flags.h"

#include <string>

#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "protocol/relay_targets.h"

namespace polyserve {
namespace {

bool IsOwn(const std::string& target, const std::string& listener) {
  RelayTargets targets;
  targets.all = {{"192.0.2.7:1", "192.0.2.7:1"}, {target, target}};
  return !CheckNoTargetIs(*Endpoint::Parse(listener), targets).ok();
}

TEST(RelayFlagsTest, TargetThatIsAListenerOfTheServerIsRefused) {
  EXPECT_TRUE(IsOwn("127.0.0.1:8089", "127.0.0.1:8089"));
  EXPECT_TRUE(IsOwn("127.0.0.1:8089", "0.0.0.0:8089"));
  EXPECT_TRUE(IsOwn("127.0.0.2:8089", "0.0.0.0:8089"));
  EXPECT_TRUE(IsOwn("0.0.0.0:8089", "127.0.0.1:8089"));
  EXPECT_TRUE(IsOwn("[::1]:8089", "[::]:8089"));
  EXPECT_TRUE(IsOwn("192.0.2.1:8089", "192.0.2.1:8089"));
}

TEST(RelayFlagsTest, OtherPortsAndOtherAddressesAreOtherServers) {
  EXPECT_FALSE(IsOwn("127.0.0.1:8088", "127.0.0.1:8089"));
  EXPECT_FALSE(IsOwn("127.0.0.2:8089", "127.0.0.1:8089"));
  EXPECT_FALSE(IsOwn("192.0.2.1:8089", "127.0.0.1:8089"));
  EXPECT_FALSE(IsOwn("0.0.0.0:8089", "192.0.2.1:8089"));
  EXPECT_FALSE(IsOwn("192.0.2.1:8089", "0.0.0.0:8089")) << "it may be";
  EXPECT_FALSE(IsOwn("[::1]:8089", "127.0.0.1:8089"));
}

}  // namespace
}  // namespace polyserve
