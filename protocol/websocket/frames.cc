#include "protocol/websocket/frames.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

using Opcode = WebSocketFrames::Opcode;

// The first two bytes of a header.
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

bool IsKnown(Opcode opcode) {
  return opcode <= Opcode::kBinary || (opcode >= Opcode::kClose && opcode <= Opcode::kPong);
}

std::string BigEndian(uint64_t number, int bytes) {
  std::string result;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) result += static_cast<char>(number >> shift & 0xFF);
  return result;
}

}  // namespace

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
  if (bytes.empty() && left > 0) return std::nullopt;
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

// Consumes the header up to its mask. True once it is complete and valid.
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

// Each rule as soon as the byte that it is about is there, whatever is still missing.
void WebSocketFrames::CheckHeader() {
  const Opcode opcode = static_cast<Opcode>(byte(0) & kOpcodeBits);
  if (header_size_ == 1) {
    if ((byte(0) & kReservedBits) != 0 || !IsKnown(opcode)) fault_ = "the frame is of an extension";
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
  const bool is_padded = (short_length == kLengthIn2Bytes && frame_bytes_ <= kMaxShortLength) ||
                         (short_length == kLengthIn8Bytes && frame_bytes_ <= UINT16_MAX);
  if (is_padded || frame_bytes_ > INT64_MAX) fault_ = "the length of the frame is malformed";
}

// Where the length ends and the mask begins. Needs the first two bytes.
size_t WebSocketFrames::LengthEnd() const {
  const uint8_t short_length = byte(1) & kLengthBits;
  return kFixedBytes + (short_length == kLengthIn2Bytes ? 2 : short_length == kLengthIn8Bytes ? 8 : 0);
}

WebSocketFrames::Piece WebSocketFrames::MakePiece() const {
  const bool is_header = header_size_ == LengthEnd();  // Its mask is still to come.
  return Piece{.opcode = static_cast<Opcode>(byte(0) & kOpcodeBits),
               .is_last_frame = (byte(0) & kLastFrame) != 0,
               .frame_bytes = frame_bytes_,
               .begins_frame = is_header,
               .ends_frame = !is_header && taken_bytes_ == frame_bytes_,
               .bytes = payload_};
}

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
