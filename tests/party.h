// Party: one side of a conversation as docs/protocols.md writes it, so that a test can play the document's examples to
// a server. Each message in either direction is one line of text there, whatever it is on the wire: a line, a datagram,
// a WebSocket's message, or a packet of TFTP. Line ends within it are written \n.
//
//   in the document            on the wire
//   > RRQ hello.txt octet      00 01 h e l l o . t x t 00 o c t e t 00
//   DATA 1 Hello\n             00 03 00 01 H e l l o 0a
#ifndef POLYSERVE_TESTS_PARTY_H_
#define POLYSERVE_TESTS_PARTY_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

class Party {
 public:
  virtual ~Party() = default;

  // Sends one message. Does not wait for an answer.
  virtual void Send(absl::string_view text) = 0;
  // Waits for the next thing that the server sends; "(nothing)" if nothing comes within kPatience.
  virtual std::string Receive() = 0;
};

// Connects. `service` is a name as in --listen ("chat", "tftp+udp"), or "websocket" for the room by way of http.
// `address` is the service's, "HOST:PORT".
std::unique_ptr<Party> MakeParty(absl::string_view service, const std::string& address);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_PARTY_H_
