#include "protocol/websocket/test_client.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

constexpr char kMask[] = {'\x37', '\xfa', '\x21', '\x3d'};  // That of the example in RFC 6455, section 5.7.

std::string BigEndian(uint64_t number, int bytes) {
  std::string result;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) result += static_cast<char>(number >> shift & 0xFF);
  return result;
}

uint64_t FromBigEndian(absl::string_view bytes) {
  uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

std::string Name(uint8_t opcode) {
  switch (opcode) {
    case kWsText:
      return "text";
    case kWsClose:
      return "close";
    case kWsPing:
      return "ping";
    case kWsPong:
      return "pong";
    default:
      return absl::StrCat("opcode ", opcode);
  }
}

// A payload, of a close with the code in digits.
std::string Describe(uint8_t opcode, absl::string_view payload) {
  // A close may come without a code (section 5.5.1).
  if (opcode != kWsClose || payload.size() < 2) return absl::StrCat(Name(opcode), ": ", payload, "\n");
  const std::string reason = payload.size() == 2 ? "" : absl::StrCat(": ", payload.substr(2));
  return absl::StrCat("close ", FromBigEndian(payload.substr(0, 2)), reason, "\n");
}

}  // namespace

// Three forms of the length, always the shortest (section 5.2). Tests that want a longer one write it by hand.
std::string WsFrame(uint8_t first_byte, absl::string_view payload) {
  std::string frame(1, static_cast<char>(first_byte));
  // A client must mask every frame (section 5.1); the tests write those that are not masked by hand.
  constexpr int kMasked = 0x80;
  if (payload.size() < 126) {
    frame += static_cast<char>(kMasked | payload.size());
  } else if (payload.size() < 65536) {
    absl::StrAppend(&frame, BigEndian(kMasked | 126, 1), BigEndian(payload.size(), 2));
  } else {
    absl::StrAppend(&frame, BigEndian(kMasked | 127, 1), BigEndian(payload.size(), 8));
  }
  frame.append(kMask, sizeof(kMask));
  for (size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ kMask[i % sizeof(kMask)]);
  return frame;
}

std::string WsText(absl::string_view text) { return WsFrame(kWsLast | kWsText, text); }

std::string WsClose(uint16_t code, absl::string_view reason) {
  return WsFrame(kWsLast | kWsClose, absl::StrCat(BigEndian(code, 2), reason));
}

// A server's frame must not be masked (section 5.1), so the second byte is the length alone. The 8-byte length is not
// read: nothing that the server sends in these tests is that long.
std::string WsRead(absl::string_view bytes) {
  std::string text;
  while (bytes.size() >= 2) {
    const uint8_t opcode = static_cast<uint8_t>(bytes[0]) & 0x0F;
    size_t header = 2;
    uint64_t size = static_cast<uint8_t>(bytes[1]);
    if (size == 126) size = FromBigEndian(bytes.substr(2, 2)), header = 4;
    const bool is_whole = (static_cast<uint8_t>(bytes[0]) & 0xF0) == kWsLast && bytes.size() >= header + size;
    if (!is_whole || size > 65535) break;
    absl::StrAppend(&text, Describe(opcode, bytes.substr(header, size)));
    bytes.remove_prefix(header + size);
  }
  if (!bytes.empty()) absl::StrAppend(&text, "? and ", bytes.size(), " bytes\n");
  return text;
}

// The key is that of the example in RFC 6455, section 1.3, so the answer to it is known.
std::string WsRequest(absl::string_view host, absl::string_view fields) {
  return absl::StrCat("GET /-/chat HTTP/1.1\r\nHost: ", host,
                      "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                      fields, "\r\n");
}

}  // namespace polyserve
