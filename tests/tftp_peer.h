// TftpPeer: a client of TFTP (RFC 1350) that goes packet by packet, so that a test can lose or repeat any of them; and
// packets as text.
//
// The server answers a request from a new port, the transfer's (RFC 1350, section 4); the peer learns it from the first
// packet. Nothing is repeated here: a timeout is the test's, or the server's.
//
//   TftpPeer peer(server.address("tftp+udp"));
//   peer.Send(TftpPacketOf("RRQ hello.txt octet"));
//   EXPECT_EQ(DescribeTftpPacket(*peer.Receive()), "DATA 1 Hello");
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
  // Opens a socket of its own, on any port. `address` is "HOST:PORT".
  explicit TftpPeer(const std::string& address);

  // Sends one packet: a request to the server's port, all others to the port that the last packet came from.
  void Send(const std::string& packet);
  // Sends it to the server's port, whatever it is.
  void SendToServer(const std::string& packet);
  // Waits for the next packet, from any port of the server; nullopt if none comes within kPatience.
  std::optional<std::string> Receive();
  // The next packet if it has come already; nullopt if not. Does not wait.
  std::optional<std::string> Look();

  uint16_t server_port() const { return server_.port(); }
  uint16_t transfer_port() const { return transfer_.port(); }

 private:
  void SendTo(const std::string& packet, const Endpoint& to);
  std::optional<std::string> Receive(int flags);

  const UniqueFd fd_;
  const Endpoint server_;
  Endpoint transfer_;
};

// Packets from and to text: "RRQ hello.txt octet blksize=1428", "WRQ new.txt octet", "DATA 1 the bytes", "ACK 1",
// "ERROR 1 the text", "OACK blksize=1428" (options: RFC 2347).
std::string TftpPacketOf(absl::string_view text);
std::string DescribeTftpPacket(absl::string_view packet);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_TFTP_PEER_H_
