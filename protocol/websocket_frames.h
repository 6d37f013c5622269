// WebSocketFrames: takes the frames of a WebSocket apart (RFC 6455, section 5), and writes those of the server, by
// wslay. The only file that knows that library. What frames mean together is WebSocketSession's business.
#ifndef POLYSERVE_PROTOCOL_WEBSOCKET_FRAMES_H_
#define POLYSERVE_PROTOCOL_WEBSOCKET_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/output.h"
#include "protocol/session.h"

struct wslay_frame_context;

namespace polyserve {

class WebSocketFrames {
 public:
  // Others may come from a peer.
  enum class Opcode : uint8_t { kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10 };

  // A part of a frame.
  struct Piece {
    Opcode opcode;
    bool is_last_frame;      // Of its message.
    bool is_masked;          // As all frames of clients have to be.
    bool has_reserved_bits;  // Which no extension has given a meaning.
    uint64_t frame_bytes;    // The whole frame's payload.
    bool begins_frame;
    bool ends_frame;
    absl::string_view bytes;  // Payload, without its mask. Valid until the next call.
  };

  WebSocketFrames();
  ~WebSocketFrames();
  WebSocketFrames(const WebSocketFrames&) = delete;
  WebSocketFrames& operator=(const WebSocketFrames&) = delete;

  // Consumes the next piece and returns it. Returns nothing where more input is needed (all is consumed then), or it is
  // no frame; not to be called again after that.
  std::optional<Piece> Next(Input& input);
  // The last Next() has found what is no frame.
  bool broken() const { return broken_; }
  // Nothing of a frame has come whose end has not.
  bool is_between_frames() const { return !within_frame_; }

  // Appends a whole frame.
  void Write(Opcode opcode, absl::string_view payload, Output& output);

 private:
  struct Free {
    void operator()(wslay_frame_context* context) const;
  };

  ssize_t Feed(uint8_t* buffer, size_t size);

  std::unique_ptr<wslay_frame_context, Free> context_;
  Input* input_ = nullptr;     // During Next().
  Output* output_ = nullptr;   // During Write().
  uint64_t payload_left_ = 0;  // Of the frame whose first piece was returned.
  bool within_frame_ = false;
  bool broken_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_WEBSOCKET_FRAMES_H_
