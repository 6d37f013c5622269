// What a transfer of TFTP is done by: the defaults, or what the options of the request make of them.
#ifndef POLYSERVE_PROTOCOL_TFTP_OPTIONS_H_
#define POLYSERVE_PROTOCOL_TFTP_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "protocol/tftp/packet.h"

namespace polyserve {

struct TftpTerms {
  // The most that is in flight to a peer, unacknowledged: 64 blocks of at most 1 MiB in all.
  static constexpr int64_t kMaxWindow = 64;
  static constexpr int64_t kMaxWindowBytes = 1 << 20;

  size_t block_bytes = 512;                   // blksize, RFC 2348
  absl::Duration timeout = absl::Seconds(1);  // timeout, RFC 2349
  int64_t window = 1;                         // windowsize, RFC 7440: so many blocks for one acknowledgement.
  std::optional<int64_t> announced_bytes;     // tsize, RFC 2349: what an upload will have.
  bool asks_for_size = false;                 // tsize of a download: the acknowledgement is to tell it.
  bool has_block_bytes = false;               // These were asked for, and are to be acknowledged.
  bool has_timeout = false;
  bool has_window = false;
};

// Unknown options, and values out of range, are passed over, as RFC 2347 has it. InvalidArgument: a value that is no
// number.
absl::StatusOr<TftpTerms> ReadTftpTerms(const TftpRequest& request);

// The options to acknowledge; none if none was accepted. `file_bytes` is what asks_for_size is answered with.
TftpOptions AcceptedTftpOptions(const TftpTerms& terms, std::optional<int64_t> file_bytes);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_OPTIONS_H_
