#include "backends/udp/send_datagrams.h"

#include <sys/socket.h>

#include <cerrno>

#include "absl/strings/string_view.h"
#include "backends/connection/flush.h"
#include "base/logging.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

ssize_t SendOne(int fd, absl::string_view bytes, const DatagramPath* path) {
  if (path != nullptr) return SendDatagram(fd, bytes, *path);
  return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

// A connected socket reports with the next call that the peer's host has refused an earlier datagram (ECONNREFUSED,
// from an ICMP message; udp(7)). This one was not sent then, and may well arrive: the peer may be back. A second
// refusal in a row counts as the loss of the datagram, so the loop ends.
ssize_t Send(int fd, absl::string_view bytes, const DatagramPath* path) {
  ssize_t sent = 0;
  bool was_refused = false;
  do {
    was_refused = sent < 0 && errno == ECONNREFUSED;
    sent = SendOne(fd, bytes, path);
  } while (sent < 0 && (errno == EINTR || (errno == ECONNREFUSED && !was_refused)));
  return sent;
}

}  // namespace

// A datagram is sent whole or not at all, so there is no short count. EMSGSIZE is a fault of the service, which has
// written more than UDP can carry (65,507 bytes over IPv4).
bool SendDatagrams(int fd, const DatagramPath* path, Output& output, Counters& counters) {
  CountRequests(output, counters);
  while (!output.empty()) {
    const absl::string_view datagram = output.FrontDatagram();
    const ssize_t sent = Send(fd, datagram, path);
    if (sent < 0 && errno == EAGAIN) return false;
    if (sent < 0 && errno == EMSGSIZE) {
      LOG_FLOOD(WARNING) << SysError("a datagram of", std::to_string(datagram.size())).message();
    }
    if (sent > 0) Counters::Add(counters.bytes_out, sent);
    output.DropDatagram();
  }
  return true;
}

}  // namespace polyserve
