#include "protocol/websocket_frames.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/logging.h"

namespace polyserve {

void WebSocketFrames::Free::operator()(wslay_frame_context* context) const { wslay_frame_context_free(context); }

WebSocketFrames::WebSocketFrames() {
  constexpr wslay_frame_callbacks kCallbacks = {
      .send_callback = [](const uint8_t* data, size_t size, int, void* self) -> ssize_t {
        static_cast<WebSocketFrames*>(self)->output_->Write({reinterpret_cast<const char*>(data), size});
        return static_cast<ssize_t>(size);
      },
      .recv_callback = [](uint8_t* buffer, size_t size, int, void* self) -> ssize_t {
        return static_cast<WebSocketFrames*>(self)->Feed(buffer, size);
      },
      .genmask_callback = nullptr,  // Servers do not mask.
  };
  wslay_frame_context* context = nullptr;
  CHECK_EQ(wslay_frame_context_init(&context, &kCallbacks, this), 0);
  context_.reset(context);
}

WebSocketFrames::~WebSocketFrames() = default;

std::optional<WebSocketFrames::Piece> WebSocketFrames::Next(Input& input) {
  input_ = &input;
  wslay_frame_iocb frame = {};
  ssize_t result = 0;
  do {
    result = wslay_frame_recv(context_.get(), &frame);
  } while (result == WSLAY_ERR_WANT_READ && !input.empty());
  if (result < 0) {
    broken_ = result != WSLAY_ERR_WANT_READ;
    return std::nullopt;
  }
  const bool begins_frame = payload_left_ == 0;
  if (begins_frame) payload_left_ = frame.payload_length;
  payload_left_ -= frame.data_length;
  within_frame_ = payload_left_ > 0;
  return Piece{.opcode = static_cast<Opcode>(frame.opcode),
               .is_last_frame = frame.fin != 0,
               .is_masked = frame.mask != 0,
               .has_reserved_bits = frame.rsv != 0,
               .frame_bytes = frame.payload_length,
               .begins_frame = begins_frame,
               .ends_frame = payload_left_ == 0,
               .bytes = {reinterpret_cast<const char*>(frame.data), frame.data_length}};
}

// A byte at a time while a header comes, whose length is not known: what is behind the frame stays in the input, so
// that a session can stop between two of them.
ssize_t WebSocketFrames::Feed(uint8_t* buffer, size_t size) {
  const absl::string_view bytes = input_->bytes();
  if (bytes.empty()) return -1;
  const size_t wanted = payload_left_ == 0 ? 1 : static_cast<size_t>(std::min<uint64_t>(payload_left_, size));
  const size_t count = std::min(wanted, bytes.size());
  std::memcpy(buffer, bytes.data(), count);
  input_->Consume(count);
  within_frame_ = true;
  return static_cast<ssize_t>(count);
}

void WebSocketFrames::Write(Opcode opcode, absl::string_view payload, Output& output) {
  output_ = &output;
  wslay_frame_iocb frame = {};
  frame.fin = 1;
  frame.opcode = static_cast<uint8_t>(opcode);
  frame.payload_length = payload.size();
  frame.data = reinterpret_cast<const uint8_t*>(payload.data());
  frame.data_length = payload.size();
  CHECK_EQ(wslay_frame_send(context_.get(), &frame), static_cast<ssize_t>(payload.size()));
}

}  // namespace polyserve
