// Which targets of --relay_to are refused: the server itself, and addresses that cannot be asked.
#include "relay_flags.h"

#include <gflags/gflags.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "protocol/relay_targets.h"

namespace polyserve {
namespace {

bool IsOwn(const std::string& target, const std::string& listener) {
  RelayTargets targets;
  for (const std::string& name : {std::string("192.0.2.7:1"), target}) {
    targets.all.push_back({name, Endpoint::Parse(name)->AsAddressPort()});
  }
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

TEST(RelayFlagsTest, AddressesAreReadOnceAndNamesKeptAsTheyAreWritten) {
  const gflags::FlagSaver saver;
  gflags::SetCommandLineOption("relay_to", "127.0.0.1:8089,[0:0::1]:8090");
  const auto targets = RelayTargetsFromFlags();
  ASSERT_TRUE(targets.ok()) << targets.status();
  ASSERT_EQ((*targets)->all.size(), 2u);
  EXPECT_EQ((*targets)->all[0].address.ToString(), "127.0.0.1:8089");
  EXPECT_EQ((*targets)->all[1].address.ToString(), "[::1]:8090");
  EXPECT_EQ((*targets)->all[1].name, "[0:0::1]:8090");
}

// A target is kept without the interface, and connect(2) refuses such an address then.
TEST(RelayFlagsTest, AddressOfOneInterfaceIsRefused) {
  const gflags::FlagSaver saver;
  gflags::SetCommandLineOption("relay_to", "[fe80::1%1]:8089");
  const absl::Status status = RelayTargetsFromFlags().status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "[fe80::1%1]:8089")) << status;
}

}  // namespace
}  // namespace polyserve
