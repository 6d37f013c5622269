// Netascii, the line ends of TFTP's text mode (RFC 764): on the wire a line ends with CR LF, and CR alone is CR NUL.
#ifndef POLYSERVE_PROTOCOL_TFTP_NETASCII_H_
#define POLYSERVE_PROTOCOL_TFTP_NETASCII_H_

#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// What the bytes of a file are on the wire.
std::string ToNetascii(absl::string_view bytes);

// The other way, block by block, however a pair is cut.
class NetasciiDecoder {
 public:
  // The bytes that go to the file; `is_last` says that no more blocks follow.
  std::string Decode(absl::string_view bytes, bool is_last);

 private:
  bool after_cr_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_NETASCII_H_
