#include "protocol/tftp/netascii.h"

namespace polyserve {

// A CR LF that a file has already becomes CR NUL CR LF: each byte stands for itself, so the file comes back as it was.
// That is also why bytes can be converted one at a time, as TftpSource does.
std::string ToNetascii(absl::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    if (byte == '\n') text.push_back('\r');
    text.push_back(byte);
    if (byte == '\r') text.push_back('\0');
  }
  return text;
}

std::string NetasciiDecoder::Decode(absl::string_view bytes, bool is_last) {
  std::string text;
  for (const char byte : bytes) {
    // CR LF is the end of a line, CR NUL a CR. A CR in front of anything else is malformed; it is kept as it is, so
    // that a binary file that is sent in the wrong mode loses as little as possible.
    if (after_cr_ && byte != '\n') text.push_back('\r');
    if (byte != '\r' && !(after_cr_ && byte == '\0')) text.push_back(byte);
    // Kept for the next block: a pair may be split between two.
    after_cr_ = byte == '\r';
  }
  if (is_last && after_cr_) text.push_back('\r');
  return text;
}

}  // namespace polyserve
