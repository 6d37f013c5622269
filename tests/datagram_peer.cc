#include "tests/datagram_peer.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "tests/eventually.h"

namespace polyserve {

DatagramPeer::DatagramPeer(const std::string& address, const std::string& from) {
  const absl::StatusOr<Endpoint> to = Endpoint::Parse(address);
  EXPECT_TRUE(to.ok()) << to.status();
  if (!to.ok()) return;
  fd_.reset(::socket(to->family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience = absl::ToTimeval(kPatience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  constexpr int kQueueBytes = 4 << 20;  // A case may send many before it receives the answers.
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &kQueueBytes, sizeof(kQueueBytes));
  if (!from.empty()) {
    const Endpoint own = *Endpoint::Parse(from);
    EXPECT_EQ(::bind(fd_.get(), own.address(), own.size()), 0) << from;
  }
  EXPECT_EQ(::connect(fd_.get(), to->address(), to->size()), 0);
}

void DatagramPeer::Send(absl::string_view datagram) {
  EXPECT_EQ(::send(fd_.get(), datagram.data(), datagram.size(), 0), static_cast<ssize_t>(datagram.size()));
}

std::optional<std::string> DatagramPeer::Receive() { return Receive(0); }
std::optional<std::string> DatagramPeer::Look() { return Receive(MSG_DONTWAIT); }

std::optional<std::string> DatagramPeer::Receive(int flags) {
  char buffer[64 * 1024];
  ssize_t size = 0;
  do {  // See Peer::Fill().
    size = ::recv(fd_.get(), buffer, sizeof(buffer), flags);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return std::nullopt;
  return std::string(buffer, static_cast<size_t>(size));
}

}  // namespace polyserve
