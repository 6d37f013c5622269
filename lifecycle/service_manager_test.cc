// ServiceManager: what it sends, and to whom it does not listen.
#include "lifecycle/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/proc.h"

namespace polyserve {

namespace {

// A socket in the abstract namespace, which leaves nothing behind.
class ServiceManagerTest : public testing::Test {
 protected:
  ServiceManagerTest()
      : name_(absl::StrCat("@polyserve-test-", ::getpid())), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    const socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  }

  ServiceManager Make() const {
    ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
    return ServiceManager::FromEnvironment();
  }

  // What has come, without waiting; "" if nothing has.
  std::string Next() const {
    char message[256];
    const ssize_t size = ::recv(socket_.get(), message, sizeof(message), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(message, static_cast<size_t>(size));
  }

  const std::string name_;

 private:
  const UniqueFd socket_;
};

TEST_F(ServiceManagerTest, EachStateIsADatagram) {
  ServiceManager manager = Make();
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr);
  manager.Ready();
  EXPECT_EQ(Next(), "READY=1");
  manager.Reloading();
  EXPECT_TRUE(absl::StartsWith(Next(), "RELOADING=1\nMONOTONIC_USEC="));
  manager.IsAlive();
  EXPECT_EQ(Next(), "");  // Nobody watches.
  manager.Stopping();
  EXPECT_EQ(Next(), "STOPPING=1");
  manager.Stopping();
  EXPECT_EQ(Next(), "");
}

TEST_F(ServiceManagerTest, AfterItHasHandedOverItIsSilent) {
  ServiceManager manager = Make();
  manager.HandOver(4711);
  EXPECT_EQ(Next(), "MAINPID=4711\nREADY=1");
  manager.Stopping();
  manager.IsAlive();
  EXPECT_EQ(Next(), "");
}

TEST_F(ServiceManagerTest, HandOverWaitsUntilTheManagerHasRoomForIt) {
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ServiceManager manager = Make();
  for (int i = 0; i < 1000; ++i) manager.IsAlive();  // More than a socket holds.
  std::atomic<pid_t> sender = 0;
  std::atomic<bool> has_returned = false;
  std::thread hand_over([&] {
    sender = ::gettid();
    manager.HandOver(4711);
    has_returned = true;
  });
  EXPECT_TRUE(Eventually([&] { return has_returned || (sender != 0 && IsAsleep(sender)); }));
  std::string message;
  EXPECT_TRUE(Eventually([&] { return !(message = Next()).empty() && message != "WATCHDOG=1"; }));
  EXPECT_EQ(message, "MAINPID=4711\nREADY=1");
  hand_over.join();
}

TEST_F(ServiceManagerTest, SuccessorGetsTheSocketAndTheWatchdogWithoutItsPid) {
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", absl::StrCat(::getpid()).c_str(), 1);
  const ServiceManager manager = Make();
  EXPECT_EQ(manager.watchdog(), absl::Milliseconds(1500));
  manager.IsAlive();
  EXPECT_EQ(Next(), "WATCHDOG=1");
  ASSERT_EQ(manager.environment().size(), 2u);
  EXPECT_EQ(manager.environment()[0], absl::StrCat("NOTIFY_SOCKET=", name_));
  EXPECT_EQ(manager.environment()[1], "WATCHDOG_USEC=3000000");
}

TEST_F(ServiceManagerTest, WatchdogOfAnotherProcessIsNone) {
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(Make().watchdog(), absl::InfiniteDuration());
}

TEST_F(ServiceManagerTest, WithoutASocketNothingIsSentAndNothingFails) {
  for (const char* name : {"", "relative/path", "/no/such/socket", "@", "vsock:2:1"}) {
    ::setenv("NOTIFY_SOCKET", name, 1);
    ServiceManager manager = ServiceManager::FromEnvironment();
    manager.Ready();
    manager.HandOver(1);
    EXPECT_TRUE(manager.environment().empty()) << name;
  }
}

}  // namespace

}  // namespace polyserve
