// DatagramPeer: the other end of a service on datagrams: a UDP socket with an address of its own, which is connected,
// so it takes answers from the server's address alone. A call gives up after kPatience. Loopback loses no datagram
// unless a receive buffer is full, so a case may count on an answer.
//
//   DatagramPeer peer(server.address("echo+udp"));
//   peer.Send("hello");
//   EXPECT_EQ(peer.Receive(), "hello");
#ifndef POLYSERVE_TESTS_DATAGRAM_PEER_H_
#define POLYSERVE_TESTS_DATAGRAM_PEER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

class DatagramPeer {
 public:
  // `address` is "HOST:PORT". `from` is the address to send from, "" for any. Expects (EXPECT_...) that this works.
  explicit DatagramPeer(const std::string& address, const std::string& from = "");

  // Sends one datagram. Whether it arrives, only an answer can tell.
  void Send(absl::string_view datagram);
  // Waits for the next datagram; nullopt if none comes.
  std::optional<std::string> Receive();
  // The next datagram if it has come already; nullopt if not. Does not wait.
  std::optional<std::string> Look();

 private:
  std::optional<std::string> Receive(int flags);

  UniqueFd fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_DATAGRAM_PEER_H_
