// WebSocketFrames: parses a client's frames (RFC 6455, section 5) and writes the server's. A header is checked as its
// bytes arrive, so a forbidden frame is refused before its payload. WebSocketSession assembles frames to messages.
//
//   | FIN, opcode | MASK, length | longer length, 0, 2 or 8 bytes | mask, 4 bytes | payload, masked |
//   └───────────── header: the first piece ──────────────────────┘               └ further pieces ─┘
//
//   while (const std::optional<Piece> piece = frames.Next(input)) ...;   // Until the input is used up, or
//   if (!frames.fault().empty()) ...                                      // has violated the protocol.
#ifndef POLYSERVE_PROTOCOL_WEBSOCKET_FRAMES_H_
#define POLYSERVE_PROTOCOL_WEBSOCKET_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

// One object for each connection. Holds a header of at most 14 bytes and the current piece of payload, which is never
// longer than the input that it came from.
class WebSocketFrames {
 public:
  // Section 5.2.
  enum class Opcode : uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };
  // Close, ping and pong, and the opcodes reserved for more of their kind (section 5.5).
  static bool IsControl(Opcode opcode) { return (static_cast<uint8_t>(opcode) & 8) != 0; }

  // A part of a frame. The first piece of each frame is its header alone, with no payload, so that the caller can
  // refuse a frame that is too long before it arrives.
  struct Piece {
    Opcode opcode;         // Of the frame; a known one.
    bool is_last_frame;    // Of its message: the bit FIN.
    uint64_t frame_bytes;  // Length of the whole frame's payload; at most INT64_MAX.
    bool begins_frame;
    bool ends_frame;          // The payload is complete with this piece.
    absl::string_view bytes;  // Unmasked payload. Valid until the next call.
  };

  // Consumes the next piece and returns it. Returns nothing if more input is needed (all of it is consumed then) or if
  // the input violates the protocol: reserved bits, an unknown opcode, a payload that is not masked, a control frame
  // that is fragmented or longer than 125 bytes, a length that is not minimal. See fault(). REQUIRES: fault() is empty.
  std::optional<Piece> Next(Input& input);
  // Why the input is not a valid frame; "" as long as it may be one. Static storage.
  absl::string_view fault() const { return fault_; }
  // True if no frame is half received.
  bool is_between_frames() const { return header_size_ == 0; }

  // Appends a whole message as one frame, not masked: servers must not mask (section 5.1).
  static void Write(Opcode opcode, absl::string_view payload, Output& output);

 private:
  static constexpr size_t kMaxHeaderBytes = 14;

  // Consumes the header up to the mask. True once it is complete and valid.
  bool TakeHeader(Input& input);
  // Checks each rule as soon as the byte that it concerns has arrived; sets fault_.
  void CheckHeader();
  // The number of header bytes before the mask.
  size_t LengthEnd() const;
  uint8_t byte(size_t i) const { return static_cast<uint8_t>(header_[i]); }
  Piece MakePiece() const;

  char header_[kMaxHeaderBytes];  // Of the current frame, with its mask.
  uint8_t header_size_ = 0;       // Bytes of it received; 0 between frames.
  bool has_begun_ = false;        // The frame's first piece was returned.
  uint64_t frame_bytes_ = 0;      // The length of its payload.
  uint64_t taken_bytes_ = 0;      // Of the payload, returned so far.
  std::string payload_;           // Of the current piece, unmasked.
  absl::string_view fault_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_WEBSOCKET_FRAMES_H_
