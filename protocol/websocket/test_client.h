// What tests say over a WebSocket as a client, and how they read a server's answers; written by hand, since it is to be
// wrong at will, and nothing that the server itself reads with.
#ifndef POLYSERVE_PROTOCOL_WEBSOCKET_TEST_CLIENT_H_
#define POLYSERVE_PROTOCOL_WEBSOCKET_TEST_CLIENT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// The first byte of a frame.
constexpr uint8_t kWsLast = 0x80;  // Of its message. To be combined with one of these:
constexpr uint8_t kWsContinuation = 0;
constexpr uint8_t kWsText = 1;
constexpr uint8_t kWsBinary = 2;
constexpr uint8_t kWsClose = 8;
constexpr uint8_t kWsPing = 9;
constexpr uint8_t kWsPong = 10;

// A frame of a client, masked.
std::string WsFrame(uint8_t first_byte, absl::string_view payload);
// A text message of one frame.
std::string WsText(absl::string_view text);
// The same for a close.
std::string WsClose(uint16_t code, absl::string_view reason = "");

// The frames of a server, for people to read, a line each: "text: OK", "close 1000: the reason", "ping: ...". What is
// no whole frame of a server ends it: "? and 5 bytes".
std::string WsRead(absl::string_view bytes);

// A request that opens a WebSocket, and the first line of the reply to it. `fields` are whole lines.
std::string WsRequest(absl::string_view host, absl::string_view fields = "");

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_WEBSOCKET_TEST_CLIENT_H_
