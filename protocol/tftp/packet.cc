#include "protocol/tftp/packet.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// Written by shifts, so that the byte order of the machine does not matter.
std::string Number(uint16_t value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)}; }

uint16_t NumberAt(absl::string_view packet, size_t at) {
  return static_cast<uint16_t>(static_cast<unsigned char>(packet[at]) << 8 |
                               static_cast<unsigned char>(packet[at + 1]));
}

// The first four bytes of DATA, ACK and ERROR: the opcode, and a block number or an error code.
std::string Head(TftpOpcode opcode, uint16_t value) {
  return absl::StrCat(Number(static_cast<uint16_t>(opcode)), Number(value));
}

// Takes a text with its end, a zero byte; nothing if the end is missing. Names, modes and options all end so (RFC 1350,
// section 5; RFC 2347).
std::optional<std::string> TakeText(absl::string_view& rest) {
  const size_t end = rest.find('\0');
  if (end == absl::string_view::npos) return std::nullopt;
  std::string text(rest.substr(0, end));
  rest.remove_prefix(end + 1);
  return text;
}

}  // namespace

std::optional<TftpOpcode> TftpOpcodeOf(absl::string_view packet) {
  if (packet.size() < 2) return std::nullopt;
  const uint16_t opcode = NumberAt(packet, 0);
  // A cast of any other number would give an enum value that no switch expects.
  if (opcode < static_cast<uint16_t>(TftpOpcode::kRead) || opcode > static_cast<uint16_t>(TftpOpcode::kOptionsAck)) {
    return std::nullopt;
  }
  return static_cast<TftpOpcode>(opcode);
}

// Mode and option names are compared without regard to case (RFC 1350, section 5; RFC 2347). The mode "mail" is
// obsolete, and refused. The order of the options has no meaning (RFC 2347).
absl::StatusOr<TftpRequest> ParseTftpRequest(absl::string_view packet) {
  const std::optional<TftpOpcode> opcode = TftpOpcodeOf(packet);
  if (opcode != TftpOpcode::kRead && opcode != TftpOpcode::kWrite) return absl::InvalidArgumentError("not a request");
  packet.remove_prefix(2);
  const std::optional<std::string> name = TakeText(packet);
  const std::optional<std::string> mode = TakeText(packet);
  if (!name.has_value() || !mode.has_value()) return absl::InvalidArgumentError("the request is cut off");
  const bool is_netascii = absl::EqualsIgnoreCase(*mode, "netascii");
  if (!is_netascii && !absl::EqualsIgnoreCase(*mode, "octet")) {
    return absl::InvalidArgumentError("there are the modes octet and netascii");
  }
  TftpRequest request{opcode == TftpOpcode::kWrite, *name, is_netascii, {}};
  while (!packet.empty()) {
    if (packet.front() == '\0') break;  // Padding: boot ROMs fill their requests up to 512 bytes.
    std::optional<std::string> option = TakeText(packet);
    std::optional<std::string> value = TakeText(packet);
    if (!option.has_value() || !value.has_value()) return absl::InvalidArgumentError("an option is cut off");
    // The value stays as it is: those of the known options are numbers.
    absl::AsciiStrToLower(&*option);
    // A request has at most 512 bytes (RFC 2347), so a search for each option costs little.
    const auto is_same = [&option](const auto& other) { return other.first == *option; };
    if (std::any_of(request.options.begin(), request.options.end(), is_same)) {
      return absl::FailedPreconditionError("an option is given twice");
    }
    request.options.emplace_back(*std::move(option), *std::move(value));
  }
  return request;
}

// Serves for DATA, ACK and ERROR alike, which have their number at the same place.
std::optional<uint16_t> TftpBlockOf(absl::string_view packet) {
  if (packet.size() < 4) return std::nullopt;
  return NumberAt(packet, 2);
}

// A copy of the block: the datagram needs it behind its head in one piece, and it was read from the file for this.
std::string TftpData(uint16_t block, absl::string_view bytes) {
  return absl::StrCat(Head(TftpOpcode::kData, block), bytes);
}

std::string TftpAck(uint16_t block) { return Head(TftpOpcode::kAck, block); }

// The text is for people, and ends with a zero byte (RFC 1350, section 5). Clients print it, so it is in English, and
// short.
std::string TftpErrorPacket(TftpError code, absl::string_view text) {
  return absl::StrCat(Head(TftpOpcode::kError, static_cast<uint16_t>(code)), text, absl::string_view("\0", 1));
}

// In the order of the options given, each name and value with a zero byte behind it (RFC 2347).
std::string TftpOptionsAck(const TftpOptions& options) {
  std::string packet = Number(static_cast<uint16_t>(TftpOpcode::kOptionsAck));
  for (const auto& [name, value] : options) {
    absl::StrAppend(&packet, name, absl::string_view("\0", 1), value, absl::string_view("\0", 1));
  }
  return packet;
}

// The codes are coarser than the library's, so the text goes with them. A directory in the way is an access violation,
// not code 6 ("file already exists"): no setting of the server lets an upload replace a directory.
TftpError TftpErrorOf(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kNotFound:
      return TftpError::kNotFound;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kFailedPrecondition:
      return TftpError::kAccess;
    case absl::StatusCode::kAlreadyExists:
      return TftpError::kExists;
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kResourceExhausted:
      return TftpError::kDiskFull;
    default:
      return TftpError::kOther;
  }
}

}  // namespace polyserve
