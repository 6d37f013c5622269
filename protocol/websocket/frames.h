// WebSocketFrames: parses a client's frames (RFC 6455, section 5) and writes the server's. A header is judged as its
// bytes arrive, so a frame that must not be sent is refused before its payload. How frames form messages is
// WebSocketSession's business.
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

class WebSocketFrames {
 public:
  enum class Opcode : uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };
  // Close, ping and pong, and the opcodes reserved for more of their kind (section 5.5).
  static bool IsControl(Opcode opcode) { return (static_cast<uint8_t>(opcode) & 8) != 0; }

  // A part of a frame. The first piece of each frame is its header alone, with no payload.
  struct Piece {
    Opcode opcode;
    bool is_last_frame;    // Of its message.
    uint64_t frame_bytes;  // Length of the whole frame's payload.
    bool begins_frame;
    bool ends_frame;
    absl::string_view bytes;  // Unmasked payload. Valid until the next call.
  };

  // Consumes the next piece and returns it. Returns nothing if more input is needed (all of it is consumed then) or if
  // the input is no frame of a client; see fault(). Not to be called again after a fault.
  std::optional<Piece> Next(Input& input);
  // Why the input is not a valid frame; "" as long as it may be one. Lives for ever.
  absl::string_view fault() const { return fault_; }
  // True if no frame is half received.
  bool is_between_frames() const { return header_size_ == 0; }

  // Appends a whole frame.
  static void Write(Opcode opcode, absl::string_view payload, Output& output);

 private:
  static constexpr size_t kMaxHeaderBytes = 14;

  bool TakeHeader(Input& input);
  void CheckHeader();
  size_t LengthEnd() const;
  uint8_t byte(size_t i) const { return static_cast<uint8_t>(header_[i]); }
  Piece MakePiece() const;

  char header_[kMaxHeaderBytes];  // Of the current frame, with its mask.
  uint8_t header_size_ = 0;       // Bytes of it received; 0 between frames.
  bool has_begun_ = false;        // The frame's first piece was returned.
  uint64_t frame_bytes_ = 0;
  uint64_t taken_bytes_ = 0;  // Of the payload.
  std::string payload_;       // Of the current piece.
  absl::string_view fault_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_WEBSOCKET_FRAMES_H_
