// The packets of TFTP (RFC 1350, section 5), and the options of requests (RFC 2347): parsing and writing. Numbers are
// big-endian. Free of I/O, and of any state: all functions may be called in any thread. What a peer sends is never
// trusted: each parser checks the length before it reads a field.
//
//   RRQ, WRQ   | 1, 2 | name 0 | mode 0 | (option 0 | value 0)* |       DATA   | 3 | block | bytes |
//   ACK        | 4    | block  |                                        ERROR  | 5 | code  | text 0 |
//   OACK       | 6    | (option 0 | value 0)* |
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

// Codes of RFC 1350 (its appendix) and RFC 2347; the server sends only these.
enum class TftpError : uint16_t {
  kOther = 0,  // See the text.
  kNotFound = 1,
  kAccess = 2,
  kDiskFull = 3,
  kIllegal = 4,
  kUnknownTransfer = 5,
  kExists = 6,
  kOptions = 8,
};

// (name, value) in the order of the packet; names in lower case.
using TftpOptions = std::vector<std::pair<std::string, std::string>>;

struct TftpRequest {
  bool is_write;     // WRQ: the peer uploads.
  std::string name;  // As it was sent.
  bool is_netascii;  // Otherwise octet: bytes as they are.
  TftpOptions options;
};

// The opcode of a packet; nothing if it is too short or the opcode is unknown.
std::optional<TftpOpcode> TftpOpcodeOf(absl::string_view packet);

// Parses a read or write request. Zero bytes behind the last option are padding, which some clients send. Errors have a
// text for the peer. InvalidArgument: it is not a request. FailedPrecondition: an option is given twice, which RFC 2347
// forbids.
absl::StatusOr<TftpRequest> ParseTftpRequest(absl::string_view packet);

// The block number of a DATA or ACK packet; nothing if the packet is cut off.
std::optional<uint16_t> TftpBlockOf(absl::string_view packet);
// The bytes of a DATA packet. REQUIRES: TftpBlockOf() returned a number.
inline absl::string_view TftpDataOf(absl::string_view packet) { return packet.substr(4); }

// The packets that the server sends. Block numbers wrap from 65535 to 0.
// Whole packets, ready to be sent as datagrams. The bytes of the last DATA of a transfer are fewer than a block, or
// none.
std::string TftpData(uint16_t block, absl::string_view bytes);
std::string TftpAck(uint16_t block);
std::string TftpErrorPacket(TftpError code, absl::string_view text);
std::string TftpOptionsAck(const TftpOptions& options);

// The code for an error of the library, such as kNotFound for NotFound; kOther if there is none.
TftpError TftpErrorOf(const absl::Status& error);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_PACKET_H_
