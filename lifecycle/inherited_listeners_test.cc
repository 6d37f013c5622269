// InheritedListeners: which socket is for which address of --listen, and what is refused.
#include "lifecycle/inherited_listeners.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {

namespace {

Endpoint At(const std::string& text) { return *Endpoint::Parse(text); }

Endpoint AddressOf(const InheritedListeners::Socket& socket) { return *Endpoint::OfSocket(socket.fd.get()); }

// Listens at the address, or, for datagrams, is bound to it.
UniqueFd MakeSocket(const Endpoint& at, int type) {
  UniqueFd fd(::socket(at.family(), type, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  EXPECT_EQ(::bind(fd.get(), at.address(), at.size()), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(fd.get(), 1), 0);
  }
  return fd;
}

class InheritedListenersTest : public testing::Test {
 protected:
  ~InheritedListenersTest() override {
    for (size_t i = 0; i < saved_.size(); ++i) ::dup2(saved_[i].get(), Number(i));
  }

  // Passes one more socket. What this program has under its number is put back at the end.
  Endpoint Pass(const Endpoint& at, int type) {
    UniqueFd fd = MakeSocket(at, type);
    const Endpoint bound = *Endpoint::OfSocket(fd.get());
    const UniqueFd aside(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 200));
    fd.reset();
    const int number = Number(saved_.size());
    saved_.emplace_back(::fcntl(number, F_DUPFD_CLOEXEC, 300));
    EXPECT_EQ(::dup2(aside.get(), number), number);
    return bound;
  }

  absl::StatusOr<InheritedListeners> Read(const std::string& names) const {
    ::setenv("LISTEN_FDS", absl::StrCat(saved_.size()).c_str(), 1);
    ::setenv("LISTEN_PID", absl::StrCat(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
    return InheritedListeners::FromEnvironment();
  }

 private:
  static int Number(size_t i) { return InheritedListeners::kFirstFd + static_cast<int>(i); }

  std::vector<UniqueFd> saved_;
};

TEST_F(InheritedListenersTest, WithoutVariablesThereAreNone) {
  absl::StatusOr<InheritedListeners> inherited = InheritedListeners::FromEnvironment();
  ASSERT_TRUE(inherited.ok());
  EXPECT_FALSE(inherited->any());
  EXPECT_TRUE(inherited->Take("http", false, At("127.0.0.1:0")).empty());
  EXPECT_FALSE(inherited->replaces_server());
  EXPECT_TRUE(inherited->TellReady().ok());
}

TEST_F(InheritedListenersTest, SocketIsForTheAddressThatItHasWhateverItsName) {
  const Endpoint at = Pass(At("127.0.0.1:0"), SOCK_STREAM);
  Pass(At("127.0.0.1:0"), SOCK_STREAM);
  absl::StatusOr<InheritedListeners> inherited = Read("polyserve.socket:http");
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_TRUE(inherited->Take("http", true, at).empty());
  const std::vector<InheritedListeners::Socket> taken = inherited->Take("http", false, at);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(AddressOf(taken[0]), at);
  EXPECT_TRUE(taken[0].is_managers);
  EXPECT_EQ(::fcntl(taken[0].fd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_NE(::fcntl(taken[0].fd.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_TRUE(inherited->Take("http", false, at).empty());
  EXPECT_FALSE(inherited->CheckAllAreTaken().ok());
}

TEST_F(InheritedListenersTest, PortZeroGoesByNameAndHost) {
  Pass(At("127.0.0.1:0"), SOCK_STREAM);
  const Endpoint echo = Pass(At("127.0.0.1:0"), SOCK_STREAM);
  const Endpoint datagrams = Pass(At("127.0.0.1:0"), SOCK_DGRAM);
  absl::StatusOr<InheritedListeners> inherited = Read("http:echo:echo+udp");
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_TRUE(inherited->Take("echo", false, At("127.0.0.2:0")).empty());
  const std::vector<InheritedListeners::Socket> taken = inherited->Take("echo", false, At("127.0.0.1:0"));
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(AddressOf(taken[0]), echo);
  const std::vector<InheritedListeners::Socket> udp = inherited->Take("echo+udp", true, At("127.0.0.1:0"));
  ASSERT_EQ(udp.size(), 1u);
  EXPECT_EQ(AddressOf(udp[0]), datagrams);
}

TEST_F(InheritedListenersTest, AllThatShareAPortAreTakenTogether) {
  const Endpoint at = Pass(At("127.0.0.1:0"), SOCK_STREAM);
  Pass(At("127.0.0.1:0"), SOCK_STREAM);
  Pass(at, SOCK_STREAM);
  absl::StatusOr<InheritedListeners> inherited = Read("http:http:http");
  ASSERT_TRUE(inherited.ok()) << inherited.status();
  EXPECT_EQ(inherited->Take("http", false, At("127.0.0.1:0")).size(), 2u);
  EXPECT_EQ(inherited->Take("http", false, At("127.0.0.1:0")).size(), 1u);
  EXPECT_TRUE(inherited->CheckAllAreTaken().ok());
}

TEST_F(InheritedListenersTest, VariablesAreForThisProcessAloneAndNotForItsChildren) {
  Pass(At("127.0.0.1:0"), SOCK_STREAM);
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", "1", 1);
  absl::StatusOr<InheritedListeners> inherited = InheritedListeners::FromEnvironment();
  ASSERT_TRUE(inherited.ok());
  EXPECT_FALSE(inherited->any());
  EXPECT_EQ(std::getenv("LISTEN_FDS"), nullptr);
  EXPECT_EQ(std::getenv("LISTEN_PID"), nullptr);
}

TEST_F(InheritedListenersTest, WhatIsNoListenerIsRefused) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  Pass(At("127.0.0.1:0"), SOCK_STREAM);
  ASSERT_EQ(::dup2(reader.get(), InheritedListeners::kFirstFd), InheritedListeners::kFirstFd);
  EXPECT_TRUE(absl::IsInvalidArgument(Read("").status()));
  ::setenv("LISTEN_FDS", "many", 1);
  EXPECT_TRUE(absl::IsInvalidArgument(InheritedListeners::FromEnvironment().status()));
}

TEST_F(InheritedListenersTest, UpgradeOfAServerThatIsNotTheParentIsRefused) {
  Pass(At("127.0.0.1:0"), SOCK_STREAM);
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv(InheritedListeners::kUpgradeVariable, "1 4 01", 1);
  EXPECT_TRUE(absl::IsInvalidArgument(InheritedListeners::FromEnvironment().status()));
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv(InheritedListeners::kUpgradeVariable, absl::StrCat(::getpid(), " 4 0").c_str(), 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(InheritedListeners::FromEnvironment().status()));
}

}  // namespace

}  // namespace polyserve
