// TftpPeer: a client of tftp that goes packet by packet. And packets as people write them.
#ifndef POLYSERVE_TESTS_TFTP_PEER_H_
#define POLYSERVE_TESTS_TFTP_PEER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace polyserve {

class TftpPeer {
 public:
  explicit TftpPeer(const std::string& address);

  // Requests go to the server's port, all others to where the last packet came from.
  void Send(const std::string& packet);
  // Waits for the next packet; nothing where none comes.
  std::optional<std::string> Receive();

  uint16_t server_port() const { return server_.port(); }
  uint16_t transfer_port() const { return transfer_.port(); }

 private:
  const UniqueFd fd_;
  const Endpoint server_;
  Endpoint transfer_;
};

// "RRQ hello.txt octet blksize=1428", "WRQ new.txt octet", "DATA 1 the bytes", "ACK 1", "ERROR 1 the text" and
// "OACK blksize=1428", as packets; and the other way round.
std::string TftpPacketOf(absl::string_view text);
std::string DescribeTftpPacket(absl::string_view packet);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_TFTP_PEER_H_
