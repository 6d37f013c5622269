// Party: one side of a conversation as docs/protocols.md writes it. Each thing that it sends or is sent is a line of
// text there, whatever it is on the wire: a line, a datagram, a WebSocket's message, or a packet of TFTP. Line ends
// within it are written \n.
#ifndef POLYSERVE_TESTS_PARTY_H_
#define POLYSERVE_TESTS_PARTY_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

class Party {
 public:
  virtual ~Party() = default;

  virtual void Send(absl::string_view text) = 0;
  // Waits for the next thing that the server sends; "(nothing)" if nothing comes within kPatience.
  virtual std::string Receive() = 0;
};

// Connects. `service` is a name as in --listen ("chat", "tftp+udp"), or "websocket" for the room by way of http.
// `address` is the service's, "HOST:PORT".
std::unique_ptr<Party> MakeParty(absl::string_view service, const std::string& address);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_PARTY_H_
