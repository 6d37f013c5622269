// LineReader: takes lines off the front of a session's input, in time linear in the bytes received, however finely the
// peer slices them. It copies nothing and holds no bytes: an incomplete line stays in the input.
//
//   while (!input.empty() && output.wants_more()) {
//     if (const std::optional<absl::string_view> line = lines_.Next(input)) {
//       OnLine(*line, output);
//     } else if (lines_.too_long()) {
//       ...                         // Refuse it, and then close or Skip() it.
//     } else {
//       return;                     // Incomplete: the driver passes the line again, with more behind it.
//     }
//   }
//
// One object for one session: it remembers how far it searched the input that the driver will pass again, so input may
// be consumed by others only while is_within_line() is false.
#ifndef POLYSERVE_PROTOCOL_LINE_READER_H_
#define POLYSERVE_PROTOCOL_LINE_READER_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/session.h"

namespace polyserve {

class LineReader {
 public:
  // Lines of more than `max_bytes` are too long; the "\n" is not counted, a "\r" before it is.
  explicit LineReader(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Consumes the next line and returns it without its "\n" or "\r\n"; the view is valid as long as the input's bytes
  // are. Returns nothing and consumes nothing if the line is incomplete or too long; see too_long().
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

  // Discards a line that is too long, as far as it has been received. Returns true if that included its end, so that
  // Next() may follow; otherwise call Skip() again with the next input.
  bool Skip(Input& input) {
    searched_ = 0;
    const size_t end = input.bytes().find('\n');
    if (end == absl::string_view::npos) return input.ConsumeAll(), false;
    return input.Consume(end + 1), true;
  }

  // True if a part of a line has been received, and not its end.
  bool is_within_line() const { return searched_ > 0; }

  // Why the last Next() returned nothing: true if the line exceeds max_bytes, so that more input cannot help; false if
  // the line is incomplete.
  bool too_long() const { return too_long_; }

 private:
  const size_t max_bytes_;
  size_t searched_ = 0;  // The first `searched_` bytes of the input hold no line end.
  bool too_long_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_LINE_READER_H_
