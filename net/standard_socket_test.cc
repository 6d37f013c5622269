// StandardSocket: in a child, whose standard descriptors may be changed.
#include "net/standard_socket.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// Runs the check in a child with this socket as its standard input and error. True if it holds.
bool HoldsWithInput(int socket, const std::function<bool()>& check) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(socket, STDIN_FILENO);
    ::dup2(socket, STDERR_FILENO);
    ::_exit(check() ? 0 : 1);
  }
  int status = -1;
  return ::waitpid(pid, &status, 0) == pid && status == 0;
}

std::string Target(int fd) {
  char target[64];
  const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof(target));
  return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
}

TEST(StandardSocketTest, TakesAConnectionAndKeepsOtherOutput) {
  const absl::StatusOr<UniqueFd> listener = ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  ASSERT_TRUE(listener.ok());
  const absl::StatusOr<UniqueFd> peer = ConnectTcp(*Endpoint::OfSocket(listener->get()), absl::Seconds(30));
  ASSERT_TRUE(peer.ok());
  const std::string output = Target(STDOUT_FILENO);
  EXPECT_TRUE(HoldsWithInput(peer->get(), [&] {
    const absl::StatusOr<StandardSocket> taken = TakeStandardSocket();
    return taken.ok() && taken->is_connection && !taken->has_datagrams && taken->fd.get() > STDERR_FILENO &&
           Target(STDIN_FILENO) == "/dev/null" && Target(STDERR_FILENO) == "/dev/null" &&
           Target(STDOUT_FILENO) == output && TuneConnection(taken->fd.get(), absl::Seconds(9), {}).ok();
  }));
}

TEST(StandardSocketTest, ConnectionStampsArrivalsIfThatIsWanted) {
  const absl::StatusOr<UniqueFd> listener = ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  ASSERT_TRUE(listener.ok());
  const absl::StatusOr<UniqueFd> peer = ConnectTcp(*Endpoint::OfSocket(listener->get()), absl::Seconds(30));
  ASSERT_TRUE(peer.ok());
  const auto stamps = [&] {
    int value = -1;
    socklen_t size = sizeof(value);
    return ::getsockopt(peer->get(), SOL_SOCKET, SO_TIMESTAMPNS, &value, &size) == 0 ? value : -1;
  };
  ASSERT_TRUE(TuneConnection(peer->get(), absl::Seconds(9), {}).ok());
  EXPECT_EQ(stamps(), 0);
  ListenOptions options;
  options.stamps_arrivals = true;
  ASSERT_TRUE(TuneConnection(peer->get(), absl::Seconds(9), options).ok());
  EXPECT_EQ(stamps(), 1);
}

TEST(StandardSocketTest, TellsASocketThatListensFromAConnection) {
  const absl::StatusOr<UniqueFd> listener = ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  ASSERT_TRUE(listener.ok());
  EXPECT_TRUE(HoldsWithInput(listener->get(), [] {
    const absl::StatusOr<StandardSocket> taken = TakeStandardSocket();
    return taken.ok() && !taken->is_connection && !taken->has_datagrams;
  }));
}

TEST(StandardSocketTest, TakesAUdpSocketForAllPeersOrForOne) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Endpoint at = *Endpoint::Parse("127.0.0.1:0");
  ASSERT_EQ(::bind(socket.get(), at.address(), at.size()), 0);
  const auto is_datagrams = [](bool is_connection) {
    const absl::StatusOr<StandardSocket> taken = TakeStandardSocket();
    return taken.ok() && taken->is_connection == is_connection && taken->has_datagrams;
  };
  EXPECT_TRUE(HoldsWithInput(socket.get(), [&] { return is_datagrams(false); }));
  const Endpoint peer = *Endpoint::OfSocket(socket.get());
  ASSERT_EQ(::connect(socket.get(), peer.address(), peer.size()), 0);
  EXPECT_TRUE(HoldsWithInput(socket.get(), [&] { return is_datagrams(true); }));
}

TEST(StandardSocketTest, LeavesAPipeAlone) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd reader(ends[0]), writer(ends[1]);
  EXPECT_TRUE(HoldsWithInput(reader.get(), [] {
    const std::string before = Target(STDIN_FILENO);
    return !TakeStandardSocket().ok() && Target(STDIN_FILENO) == before;
  }));
}

}  // namespace

}  // namespace polyserve
