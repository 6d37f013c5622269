// Netascii, the line ends of TFTP's text mode (RFC 1350, after RFC 764): on the wire a line ends with CR LF, and a CR
// alone is CR NUL. In a file of this server a line ends with LF.
//
//   file   a \n b \r c              wire   a \r \n b \r \0 c
#ifndef POLYSERVE_PROTOCOL_TFTP_NETASCII_H_
#define POLYSERVE_PROTOCOL_TFTP_NETASCII_H_

#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// The bytes of a file as they are on the wire: at least as many, at most twice as many. Bytes may be converted in
// pieces of any size, since each stands for itself.
std::string ToNetascii(absl::string_view bytes);

// The reverse, block by block; a pair may be split between two blocks. One object for each transfer.
class NetasciiDecoder {
 public:
  // Returns the bytes for the file. `is_last`: no more blocks follow, so that a CR at the end stands for itself. A CR
  // followed by anything but LF or NUL is kept as it is.
  std::string Decode(absl::string_view bytes, bool is_last);

 private:
  bool after_cr_ = false;  // The last block ended with a CR, which is not written yet.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TFTP_NETASCII_H_
