// A WebSocket client for tests: functions that write a client's frames and read a server's. Written independently of
// WebSocketFrames, so that the server is not tested with its own code, and able to write frames that violate the RFC.
//
//   const Transcript transcript = TalkInAnyPieces(make_session, WsText("L ada"));
//   EXPECT_EQ(WsRead(transcript.replies), "text: OK\n");
#ifndef POLYSERVE_PROTOCOL_WEBSOCKET_TEST_CLIENT_H_
#define POLYSERVE_PROTOCOL_WEBSOCKET_TEST_CLIENT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// The first byte of a frame.
constexpr uint8_t kWsLast = 0x80;  // FIN, the last frame of its message; combined with one of these:
constexpr uint8_t kWsContinuation = 0;
constexpr uint8_t kWsText = 1;
constexpr uint8_t kWsBinary = 2;
constexpr uint8_t kWsClose = 8;
constexpr uint8_t kWsPing = 9;
constexpr uint8_t kWsPong = 10;

// A client's frame, masked. `first_byte` is FIN (kWsLast) and the opcode.
std::string WsFrame(uint8_t first_byte, absl::string_view payload);
// A text message in one frame.
std::string WsText(absl::string_view text);
// A close frame.
std::string WsClose(uint16_t code, absl::string_view reason = "");

// A server's frames as text, a line each: "text: OK", "close 1000: the reason", "ping: ...". Bytes that are not a whole
// frame of a server end it: "? and 5 bytes".
std::string WsRead(absl::string_view bytes);

// A request that opens a WebSocket. `fields` are further lines, each with its CR LF.
std::string WsRequest(absl::string_view host, absl::string_view fields = "");

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_WEBSOCKET_TEST_CLIENT_H_
