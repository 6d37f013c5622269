#include "tests/websocket_peer.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "protocol/websocket/test_client.h"

namespace polyserve {

WebSocketPeer::WebSocketPeer(Peer connection, absl::string_view behind, absl::string_view fields)
    : connection_(std::move(connection)) {
  connection_.Send(absl::StrCat(WsRequest("localhost", fields), behind));
  EXPECT_EQ(connection_.ReadLine(), "HTTP/1.1 101 Switching Protocols\r\n");
  // Up to the empty line, which is "\r\n".
  while (connection_.ReadLine().size() > 2) {
  }
}

bool WebSocketPeer::Say(absl::string_view text) { return connection_.Send(WsText(text)); }

// Lengths of up to 64 KiB (RFC 6455, section 5.2): the server sends no longer frames. Servers do not mask.
std::string WebSocketPeer::Hear() {
  while (true) {
    std::string frame = connection_.Read(2);
    if (frame.size() < 2) return "";
    size_t size = static_cast<uint8_t>(frame[1]);
    if (size == 126) {
      frame += connection_.Read(2);
      size = static_cast<uint8_t>(frame[2]) * size_t{256} + static_cast<uint8_t>(frame[3]);
    }
    frame += connection_.Read(size);
    const std::string heard(absl::StripSuffix(WsRead(frame), "\n"));
    if (!absl::StartsWith(heard, "ping: ")) return heard;
    connection_.Send(WsFrame(kWsLast | kWsPong, absl::StripPrefix(heard, "ping: ")));
  }
}

}  // namespace polyserve
