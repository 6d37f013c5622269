// DatagramPeer: the other end of a service on datagrams: a socket of UDP with an address of its own, which takes
// answers from the server's address alone. A call gives up after kPatience.
#ifndef POLYSERVE_TESTS_DATAGRAM_PEER_H_
#define POLYSERVE_TESTS_DATAGRAM_PEER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

class DatagramPeer {
 public:
  // `from` is an address of its own to choose; empty: any.
  explicit DatagramPeer(const std::string& address, const std::string& from = "");

  // Sends one datagram.
  void Send(absl::string_view datagram);
  // Waits for the next datagram; nothing where none comes.
  std::optional<std::string> Receive();
  // What has come already.
  std::optional<std::string> Look();

 private:
  std::optional<std::string> Receive(int flags);

  UniqueFd fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_DATAGRAM_PEER_H_
