// LineReader: takes lines off the front of a session's input, in time linear in the bytes that come.
#ifndef POLYSERVE_PROTOCOL_LINE_READER_H_
#define POLYSERVE_PROTOCOL_LINE_READER_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/session.h"

namespace polyserve {

class LineReader {
 public:
  // Lines of more than `max_bytes`, their end not counted, are too long.
  explicit LineReader(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Consumes the next line and returns it without its "\n" or "\r\n"; it is valid as long as the input's bytes are.
  // Returns nothing, and consumes nothing, if the line is incomplete or too long.
  std::optional<absl::string_view> Next(Input& input) {
    const absl::string_view bytes = input.bytes();
    const size_t end = bytes.find('\n', searched_);
    too_long_ = (end == absl::string_view::npos ? bytes.size() : end) > max_bytes_;
    if (too_long_) return std::nullopt;
    if (end == absl::string_view::npos) {
      searched_ = bytes.size();
      return std::nullopt;
    }
    searched_ = 0;
    input.Consume(end + 1);
    return bytes.substr(0, end > 0 && bytes[end - 1] == '\r' ? end - 1 : end);
  }

  // Throws away a line that is too long, as far as it has come. True if its end was among that: Next() goes on.
  bool Skip(Input& input) {
    searched_ = 0;
    const size_t end = input.bytes().find('\n');
    if (end == absl::string_view::npos) return input.ConsumeAll(), false;
    return input.Consume(end + 1), true;
  }

  // A part of a line has come.
  bool is_within_line() const { return searched_ > 0; }

  // What the last Next() that returned nothing found: true where more input cannot help.
  bool too_long() const { return too_long_; }

 private:
  const size_t max_bytes_;
  size_t searched_ = 0;  // So many bytes of the input are known to hold no line end.
  bool too_long_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_LINE_READER_H_
