#include "protocol/tftp/netascii.h"

namespace polyserve {

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
    // CR LF is a line's end and CR NUL a CR; before anything else, where it should not stand, a CR is taken as it is.
    if (after_cr_ && byte != '\n') text.push_back('\r');
    if (byte != '\r' && !(after_cr_ && byte == '\0')) text.push_back(byte);
    after_cr_ = byte == '\r';
  }
  if (is_last && after_cr_) text.push_back('\r');
  return text;
}

}  // namespace polyserve
