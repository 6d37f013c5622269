// TftpTerms: the parameters of one TFTP transfer: the defaults of RFC 1350, changed by the options of the request (RFC
// 2347, which the server acknowledges with the values that it accepts). A client that asks for nothing gets blocks of
// 512 bytes, one at a time, and so at most one block in each round trip; blksize and windowsize are there to be faster
// than that.
#ifndef POLYSERVE_PROTOCOL_TFTP_OPTIONS_H_
#define POLYSERVE_PROTOCOL_TFTP_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "protocol/tftp/packet.h"

namespace polyserve {

// Plain data, for one transfer.
//
//   RRQ a octet blksize=1428 windowsize=16  ──▶  ReadTftpTerms()  ──▶  OACK blksize=1428 windowsize=16
struct TftpTerms {
  // Bounds on what is in flight, unacknowledged: blocks, and their bytes. A request for more gets a smaller window. 1
  // MiB is enough to fill a path of 100 Mbit/s and 80 ms.
  static constexpr int64_t kMaxWindow = 64;
  static constexpr int64_t kMaxWindowBytes = 1 << 20;

  size_t block_bytes = 512;                   // blksize, RFC 2348: 8 to 65464.
  absl::Duration timeout = absl::Seconds(1);  // timeout, RFC 2349: 1 to 255 s, before a packet is sent again.
  int64_t window = 1;                         // windowsize, RFC 7440: blocks sent before an acknowledgement is due.
  std::optional<int64_t> announced_bytes;     // tsize of an upload, RFC 2349: the size of the file.
  bool asks_for_size = false;                 // tsize of a download: the acknowledgement states the size.
  bool has_block_bytes = false;               // The request has these options, so the acknowledgement must have them.
  bool has_timeout = false;
  bool has_window = false;
};

// Applies the options of a request. Ignores unknown options and values out of range (RFC 2347). Returns
// InvalidArgument, with a text for the peer, if the value of a known option is not a number.
absl::StatusOr<TftpTerms> ReadTftpTerms(const TftpRequest& request);

// The options for the acknowledgement; empty if the request has none that were accepted: then there is no such packet.
// `file_bytes` answers asks_for_size; if it is not known, tsize is left out.
TftpOptions AcceptedTftpOptions(const TftpTerms& terms, std::optional<int64_t> file_bytes);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_OPTIONS_H_
