#include "tests/peer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/sys_error.h"
#include "net/endpoint.h"
#include "net/socket.h"
#include "tests/eventually.h"

namespace polyserve {

namespace {

// A server that accepts no byte for this long counts as stuck. If it is only slow, the test floods it less, that is
// all.
constexpr int kStuckMilliseconds = 300;

absl::StatusOr<UniqueFd> Connect(const std::string& address) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(address);
  if (!endpoint.ok()) return endpoint.status();
  return ConnectTcp(*endpoint, kPatience);
}

// Sets the buffer before it connects, because the first window that the kernel offers depends on it (tcp(7)).
absl::StatusOr<UniqueFd> ConnectWithBuffer(const std::string& address, int receive_buffer) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(address);
  if (!endpoint.ok()) return endpoint.status();
  UniqueFd fd(::socket(endpoint->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.ok()) return SysError("socket");
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  if (::connect(fd.get(), endpoint->address(), endpoint->size()) != 0) return SysError("connect");
  return fd;
}

}  // namespace

Peer::Peer(const std::string& address) { Adopt(Connect(address)); }

Peer::Peer(const std::string& address, int receive_buffer) : most_per_read_(kLeastPerRead) {
  Adopt(ConnectWithBuffer(address, receive_buffer));
}

void Peer::Adopt(absl::StatusOr<UniqueFd> fd) {
  was_refused_ = absl::IsUnavailable(fd.status());  // ECONNREFUSED.
  if (!fd.ok()) return;
  fd_ = *std::move(fd);
  // A server that does not answer fails the case, and does not hang it.
  const timeval patience = absl::ToTimeval(kPatience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

void Peer::EnlargeBuffer() {
  most_per_read_ = kMostPerRead;
  const int bytes = 1 << 20;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

bool Peer::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void Peer::SendUntilStuck(absl::string_view bytes, size_t max_bytes) {
  size_t total = 0;
  while (total < max_bytes) {
    // Continues where the last call stopped, so that the server gets whole copies.
    const absl::string_view rest = bytes.substr(total % bytes.size());
    const ssize_t sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      total += static_cast<size_t>(sent);
      continue;
    }
    pollfd writable = {fd_.get(), POLLOUT, 0};
    if (errno != EAGAIN || ::poll(&writable, 1, kStuckMilliseconds) <= 0) return;
  }
}

bool Peer::Fill() {
  if (was_closed_ || was_reset_) return false;
  char bytes[kMostPerRead];
  ssize_t count = 0;
  do {  // A call with a time-out is not restarted after a signal; one comes if a child is stopped, or goes on.
    count = ::recv(fd_.get(), bytes, most_per_read_, 0);
  } while (count < 0 && errno == EINTR);
  if (count == 0) was_closed_ = true;
  if (count < 0 && errno == ECONNRESET) was_reset_ = true;
  if (count > 0) buffer_.append(bytes, static_cast<size_t>(count));
  return count > 0;
}

std::string Peer::Take(size_t count) {
  std::string taken = buffer_.substr(0, count);
  buffer_.erase(0, taken.size());
  return taken;
}

std::string Peer::Read(size_t count) {
  while (buffer_.size() < count && Fill()) {
  }
  return Take(count);
}

std::string Peer::ReadLine() {
  size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos) {
    if (!Fill()) return Take(buffer_.size());
  }
  return Take(end + 1);
}

std::string Peer::ReadToEnd() {
  while (Fill()) {
  }
  return Take(buffer_.size());
}

bool Peer::AwaitClose() {
  do {
    buffer_.clear();
  } while (Fill());
  return was_closed_ || was_reset_;
}

void Peer::HalfClose() { ::shutdown(fd_.get(), SHUT_WR); }

// A linger time of zero makes close(2) discard what is unsent, and send a reset (socket(7), SO_LINGER).
void Peer::Reset() {
  const linger at_once = {1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  fd_.reset();
}

// In the mode in which checkpoints of processes are made, the kernel closes a socket without a packet (tcp(7),
// TCP_REPAIR). It needs CAP_NET_ADMIN.
bool Peer::Vanish() {
  const int on = 1;
  if (::setsockopt(fd_.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) != 0) return false;
  fd_.reset();
  return true;
}

}  // namespace polyserve
