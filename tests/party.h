// Party: one side of a conversation as docs/protocols.md writes it: what it sends and what it is sent, a line of text
// each, whatever that is on the wire: a line, a datagram, a WebSocket's message, or a packet of TFTP. Line ends within
// are written \n.
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
  // Waits for it; "(nothing)" where nothing comes.
  virtual std::string Receive() = 0;
};

// By the service's name as in --listen; "websocket" is the room by http. The address is the service's.
std::unique_ptr<Party> MakeParty(absl::string_view service, const std::string& address);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_PARTY_H_
