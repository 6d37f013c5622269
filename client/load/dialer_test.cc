// The dialer when ports run short: in a network of its own, which has ten.
#include "client/load/dialer.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/small_network.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr int kPorts = 10;

class DialerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!EnterSmallNetwork(kPorts)) GTEST_SKIP() << "no network of its own: " << std::strerror(errno);
    absl::StatusOr<UniqueFd> listener = ListenTcp(*Endpoint::Parse("127.0.0.1:1234"), absl::InfiniteDuration());
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
  }

  UniqueFd listener_;
};

TEST_F(DialerTest, GoesOnFromAnotherAddressWherePortsRunOut) {
  Dialer dialer(*Endpoint::Parse("127.0.0.1:1234"));
  std::vector<UniqueFd> connections;
  std::set<std::string> sources;
  for (int i = 0; i < 3 * kPorts + 1; ++i) {
    absl::StatusOr<UniqueFd> fd = dialer.Connect(kPatience);
    ASSERT_TRUE(fd.ok()) << i << ": " << fd.status();
    sources.insert(Endpoint::OfSocket(fd->get())->Host());
    connections.push_back(*std::move(fd));
  }
  EXPECT_EQ(sources, (std::set<std::string>{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}));
}

TEST_F(DialerTest, DatagramsGoOnFromAnotherAddressToo) {
  Dialer dialer(*Endpoint::Parse("127.0.0.1:1234"), SOCK_DGRAM);
  std::vector<UniqueFd> sockets;
  std::set<std::string> sources;
  for (int i = 0; i < 3 * kPorts + 1; ++i) {
    UniqueFd fd = dialer.Start();
    ASSERT_TRUE(fd.ok()) << i << ": " << std::strerror(errno);
    sources.insert(Endpoint::OfSocket(fd.get())->Host());
    sockets.push_back(std::move(fd));
  }
  EXPECT_EQ(sources, (std::set<std::string>{"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"}));
}

TEST_F(DialerTest, RefusalIsAnError) {
  Dialer dialer(*Endpoint::Parse("127.0.0.1:1235"));
  EXPECT_TRUE(absl::IsUnavailable(dialer.Connect(kPatience).status()));
}

}  // namespace
}  // namespace polyserve
