#include "protocol/websocket/frames.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

using Opcode = WebSocketFrames::Opcode;

// The first two bytes of a header (section 5.2): FIN, three reserved bits and the opcode; MASK and a length of 7 bits.
constexpr uint8_t kLastFrame = 0x80;
constexpr uint8_t kReservedBits = 0x70;
constexpr uint8_t kOpcodeBits = 0x0F;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLengthBits = 0x7F;
// Lengths above this follow in 2 or in 8 bytes of their own.
constexpr uint8_t kMaxShortLength = 125;
constexpr uint8_t kLengthIn2Bytes = 126;
constexpr uint8_t kLengthIn8Bytes = 127;
constexpr size_t kFixedBytes = 2;
constexpr size_t kMaskBytes = 4;

// The others are reserved (section 5.2): without an extension that defines them, they end the connection.
bool IsKnown(Opcode opcode) {
  return opcode <= Opcode::kBinary || (opcode >= Opcode::kClose && opcode <= Opcode::kPong);
}

// Network byte order, as all numbers of a frame.
std::string BigEndian(uint64_t number, int bytes) {
  std::string result;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) result += static_cast<char>(number >> shift & 0xFF);
  return result;
}

}  // namespace

// The header comes out first, then, once its mask is there, the payload in the pieces in which it arrives. An empty
// payload has a piece of its own, since the mask may be all that is still to come. The mask goes on across pieces: byte
// i of the payload is combined with byte i modulo 4 of it (section 5.3). A frame may be larger than any input, so its
// payload is never gathered here.
std::optional<WebSocketFrames::Piece> WebSocketFrames::Next(Input& input) {
  if (!has_begun_) {
    if (!TakeHeader(input)) return std::nullopt;
    has_begun_ = true;
    return MakePiece();
  }
  while (header_size_ < LengthEnd() + kMaskBytes && !input.empty()) {
    header_[header_size_++] = input.bytes()[0];
    input.Consume(1);
  }
  if (header_size_ < LengthEnd() + kMaskBytes) return std::nullopt;
  const uint64_t left = frame_bytes_ - taken_bytes_;
  const absl::string_view bytes = input.bytes().substr(0, std::min<uint64_t>(left, input.bytes().size()));
  // No piece without bytes, unless the frame has none.
  if (bytes.empty() && left > 0) return std::nullopt;
  // A copy, since the input is not ours to change.
  payload_.assign(bytes.data(), bytes.size());
  const char* const mask = header_ + LengthEnd();
  for (size_t i = 0; i < payload_.size(); ++i) {
    payload_[i] = static_cast<char>(payload_[i] ^ mask[(taken_bytes_ + i) % kMaskBytes]);
  }
  input.Consume(bytes.size());
  taken_bytes_ += bytes.size();
  const Piece piece = MakePiece();
  if (piece.ends_frame) has_begun_ = false, header_size_ = 0;
  return piece;
}

// Consumes the header up to its mask. True once it is complete and valid. Byte by byte is fast enough for 10 of them;
// the payload is what there may be much of.
bool WebSocketFrames::TakeHeader(Input& input) {
  while (!input.empty()) {
    header_[header_size_++] = input.bytes()[0];
    input.Consume(1);
    CheckHeader();
    if (!fault_.empty()) return false;
    if (header_size_ < kFixedBytes || header_size_ < LengthEnd()) continue;
    taken_bytes_ = 0;
    payload_.clear();
    return true;
  }
  return false;
}

// Each rule as soon as the byte that it concerns is there, so that a fault is reported whatever is still missing, and
// at the same place however the input is cut. Not masked: section 5.1 has the server close, for the mask is what keeps
// a web page from writing bytes of its choice to a proxy (section 10.3).
void WebSocketFrames::CheckHeader() {
  const Opcode opcode = static_cast<Opcode>(byte(0) & kOpcodeBits);
  if (header_size_ == 1) {
    if ((byte(0) & kReservedBits) != 0 || !IsKnown(opcode)) fault_ = "the frame is of an extension";
    // Section 5.5: control frames are short and whole, so that they can be answered between the frames of a long
    // message.
    if (fault_.empty() && IsControl(opcode) && (byte(0) & kLastFrame) == 0) fault_ = "a control frame is fragmented";
    return;
  }
  const uint8_t short_length = byte(1) & kLengthBits;
  if (header_size_ == kFixedBytes) {
    if ((byte(1) & kMasked) == 0) fault_ = "the frame is not masked";
    if (fault_.empty() && IsControl(opcode) && short_length > kMaxShortLength) fault_ = "a control frame is too long";
  }
  if (header_size_ < LengthEnd()) return;
  frame_bytes_ = short_length <= kMaxShortLength ? short_length : 0;
  for (size_t i = kFixedBytes; i < LengthEnd(); ++i) frame_bytes_ = frame_bytes_ << 8 | byte(i);
  // Section 5.2: the shortest form only, and the highest bit of 64 must be 0.
  const bool is_padded = (short_length == kLengthIn2Bytes && frame_bytes_ <= kMaxShortLength) ||
                         (short_length == kLengthIn8Bytes && frame_bytes_ <= UINT16_MAX);
  if (is_padded || frame_bytes_ > INT64_MAX) fault_ = "the length of the frame is malformed";
}

// Where the length ends and the mask begins. Needs the first two bytes.
size_t WebSocketFrames::LengthEnd() const {
  const uint8_t short_length = byte(1) & kLengthBits;
  return kFixedBytes + (short_length == kLengthIn2Bytes ? 2 : short_length == kLengthIn8Bytes ? 8 : 0);
}

// The header is the first piece; it ends no frame, even if the payload is empty, since the mask is still to come.
WebSocketFrames::Piece WebSocketFrames::MakePiece() const {
  const bool is_header = header_size_ == LengthEnd();
  return Piece{.opcode = static_cast<Opcode>(byte(0) & kOpcodeBits),
               .is_last_frame = (byte(0) & kLastFrame) != 0,
               .frame_bytes = frame_bytes_,
               .begins_frame = is_header,
               .ends_frame = !is_header && taken_bytes_ == frame_bytes_,
               .bytes = payload_};
}

// Two writes, which the output joins to one piece: no third copy of the payload is made for a header of a few bytes.
// FIN is always set: what the server sends is known as a whole, so there is nothing to gain from fragments.
void WebSocketFrames::Write(Opcode opcode, absl::string_view payload, Output& output) {
  std::string header(1, static_cast<char>(kLastFrame | static_cast<uint8_t>(opcode)));
  if (payload.size() <= kMaxShortLength) {
    header += static_cast<char>(payload.size());
  } else if (payload.size() <= UINT16_MAX) {
    absl::StrAppend(&header, BigEndian(kLengthIn2Bytes, 1), BigEndian(payload.size(), 2));
  } else {
    absl::StrAppend(&header, BigEndian(kLengthIn8Bytes, 1), BigEndian(payload.size(), 8));
  }
  output.Write(header);
  output.Write(payload);
}

}  // namespace polyserve
