// WebSocketPeer: a client of the chat room that has a WebSocket open, blocking and plain.
#ifndef POLYSERVE_TESTS_WEBSOCKET_PEER_H_
#define POLYSERVE_TESTS_WEBSOCKET_PEER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tests/peer.h"

namespace polyserve {

class WebSocketPeer {
 public:
  // Opens it over a connection to an http service. `behind` is sent right behind the request, without waiting for the
  // reply.
  explicit WebSocketPeer(Peer connection, absl::string_view behind = "");

  // A text message.
  bool Say(absl::string_view text);
  // Frames, or what is none.
  bool Send(absl::string_view frames) { return connection_.Send(frames); }
  // The next frame, as WsRead() has it, without the line end; "" where none comes.
  std::string Hear();

  Peer& connection() { return connection_; }

 private:
  Peer connection_;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_WEBSOCKET_PEER_H_
