// The packets of TFTP (RFC 1350), and the options that a request may carry (RFC 2347).
#ifndef POLYSERVE_PROTOCOL_TFTP_PACKET_H_
#define POLYSERVE_PROTOCOL_TFTP_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

enum class TftpOpcode : uint16_t { kRead = 1, kWrite, kData, kAck, kError, kOptionsAck };

enum class TftpError : uint16_t {
  kOther = 0,  // The text tells.
  kNotFound = 1,
  kAccess = 2,
  kDiskFull = 3,
  kIllegal = 4,
  kUnknownTransfer = 5,
  kOptions = 8,
};

using TftpOptions = std::vector<std::pair<std::string, std::string>>;  // Names in lower case, and values.

struct TftpRequest {
  bool is_write;
  std::string name;
  bool is_netascii;  // Else octet: bytes as they are.
  TftpOptions options;
};

// The opcode of any packet; nothing if it has none of these.
std::optional<TftpOpcode> TftpOpcodeOf(absl::string_view packet);

// A read or write request. Zero bytes behind the last option are padding. InvalidArgument, with a text for the peer: it
// is none. FailedPrecondition: it gives an option twice, which is not allowed.
absl::StatusOr<TftpRequest> ParseTftpRequest(absl::string_view packet);

// The block number of data or an acknowledgement; nothing if it is cut off.
std::optional<uint16_t> TftpBlockOf(absl::string_view packet);
// The bytes of a block of data.
inline absl::string_view TftpDataOf(absl::string_view packet) { return packet.substr(4); }

std::string TftpData(uint16_t block, absl::string_view bytes);
std::string TftpAck(uint16_t block);
std::string TftpErrorPacket(TftpError code, absl::string_view text);
std::string TftpOptionsAck(const TftpOptions& options);

// The code that says the same as an error of the library.
TftpError TftpErrorOf(const absl::Status& error);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_PACKET_H_
