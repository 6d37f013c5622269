// WebSocketPeer: a client of the chat room with an open WebSocket (RFC 6455), blocking and plain. It frames what it
// says, and can also send bytes that are no frame. It answers nothing by itself: neither a ping nor a close.
//
//   WebSocketPeer ada(Connect("http"));
//   ada.Say("L ada");
//   EXPECT_EQ(ada.Hear(), "text: OK");
#ifndef POLYSERVE_TESTS_WEBSOCKET_PEER_H_
#define POLYSERVE_TESTS_WEBSOCKET_PEER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tests/peer.h"

namespace polyserve {

class WebSocketPeer {
 public:
  // Opens it over a connection to an http service, and expects that the server agrees (101). `behind` is sent right
  // behind the request, without waiting for the reply, as a client that pipelines would. `fields` are further lines of
  // the request, each with its CR LF.
  explicit WebSocketPeer(Peer connection, absl::string_view behind = "", absl::string_view fields = "");

  // Sends a text message, masked as clients must. False if the server does not take it.
  bool Say(absl::string_view text);
  // Sends these bytes: frames, or what is none.
  bool Send(absl::string_view frames) { return connection_.Send(frames); }
  // Waits for the next frame, and returns it as WsRead() does, without the line end; "" if none comes. Answers pings by
  // itself, as browsers do.
  std::string Hear();

  Peer& connection() { return connection_; }

 private:
  Peer connection_;
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_WEBSOCKET_PEER_H_
