#include "protocol/http/chunks.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "protocol/http/syntax.h"

namespace polyserve {

namespace {

constexpr absl::string_view kCrLf = "\r\n";

absl::Status Malformed() { return absl::InvalidArgumentError("the chunks are malformed"); }

bool IsHexDigit(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// Removes the characters of this kind from the front, and returns their number.
template <typename IsOfKind>
size_t Skip(absl::string_view& text, IsOfKind is_of_kind) {
  const size_t count = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_of_kind) - text.begin());
  text.remove_prefix(count);
  return count;
}

// Removes a quoted-string (RFC 9110, section 5.6.4); false if there is none. The line holds no control characters, so
// every character may be quoted. A ";" within the string does not begin the next extension.
bool ConsumeQuoted(absl::string_view& text) {
  if (!absl::ConsumePrefix(&text, "\"")) return false;
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    if (c == '"') return true;
    if (c == '\\' && text.empty()) return false;
    if (c == '\\') text.remove_prefix(1);
  }
  return false;
}

// chunk-ext = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )  (RFC 9112, section 7.1.1)
// Extensions have no meaning here. They are checked because other readers have skipped to the end of the line by other
// rules, such as the first LF, and found another end of the content. BWS is whitespace that senders must not make and
// recipients must take (RFC 9110, section 5.6.3). A value that is missing is no fault: `text` then stands behind the
// name, and the next turn looks for a ";".
bool IsExtensions(absl::string_view text) {
  while (!text.empty()) {
    Skip(text, IsBlank);
    if (!absl::ConsumePrefix(&text, ";")) return false;
    Skip(text, IsBlank);
    if (Skip(text, IsHttpTokenChar) == 0) return false;
    absl::string_view value = text;
    Skip(value, IsBlank);
    if (!absl::ConsumePrefix(&value, "=")) continue;
    Skip(value, IsBlank);
    if (Skip(value, IsHttpTokenChar) == 0 && !ConsumeQuoted(value)) return false;
    text = value;
  }
  return true;
}

// Fields that frame or route a message. They must not come behind its content (RFC 9110, section 6.5.1): a proxy that
// merges trailer fields into the head would give the request another end or another host.
bool IsOfFraming(absl::string_view name) {
  return absl::EqualsIgnoreCase(name, "Content-Length") || absl::EqualsIgnoreCase(name, "Transfer-Encoding") ||
         absl::EqualsIgnoreCase(name, "Host");
}

}  // namespace

// Each step consumes something, waits for more input, or fails; a step that consumes nothing ends the loop. So the time
// is linear in the input, however small the chunks are.
absl::Status HttpChunks::Take(Input& input, Sink sink) {
  while (!input.empty() && !done()) {
    const size_t before = input.bytes().size();
    absl::Status status = next_ == Next::kData      ? TakeData(input, sink)
                          : next_ == Next::kDataEnd ? TakeDataEnd(input)
                                                    : TakeLine(input);
    if (!status.ok()) return status;
    if (input.bytes().size() == before) break;
  }
  return absl::OkStatus();
}

// The first wrong byte decides, and a byte beyond the bound is wrong, so the result does not depend on how the input is
// sliced. A size is checked from its first byte on: what can never become a chunk is refused before its line ends.
absl::Status HttpChunks::TakeLine(Input& input) {
  if (next_ == Next::kSize && !IsHexDigit(input.bytes()[0])) return Malformed();
  const absl::string_view seen = input.bytes().substr(0, line_bytes_left_);
  switch (FindHttpLineEnd(seen, searched_)) {
    case HttpLineEnd::kNone:
      if (input.bytes().size() <= line_bytes_left_) return absl::OkStatus();
      return absl::InvalidArgumentError("a chunk's line is too long");
    case HttpLineEnd::kBareLf:
    case HttpLineEnd::kBadControl:
      return Malformed();
    case HttpLineEnd::kCrLf:
      break;
  }
  const absl::string_view line = seen.substr(0, searched_);
  // `line` remains valid: Consume() moves the input's begin, and leaves its bytes alone.
  input.Consume(line.size() + kCrLf.size());
  // Never below zero: `seen` ends at the bound, and the CR LF was found in it.
  line_bytes_left_ -= line.size() + kCrLf.size();
  searched_ = 0;
  return OnLine(line);
}

absl::Status HttpChunks::OnLine(absl::string_view line) {
  if (next_ == Next::kSize) return OnSize(line);
  if (!line.empty()) return OnTrailerField(line);
  next_ = Next::kNothing;
  return absl::OkStatus();
}

// The last chunk does not reset the line's allowance, so that its line and the trailer fields share one. SimpleHexAtoi
// fails on what does not fit in 64 bits: a size that wraps around is an old way to smuggle a request (RFC 9112, section
// 7.1, warns of it). The second bound keeps the size positive as an int64_t. Leading zeros are valid; the bound of the
// line limits their number.
absl::Status HttpChunks::OnSize(absl::string_view line) {
  absl::string_view rest = line;
  const absl::string_view digits = line.substr(0, Skip(rest, IsHexDigit));
  uint64_t size = 0;
  if (!IsExtensions(rest) || !absl::SimpleHexAtoi(digits, &size)) return Malformed();
  if (size > INT64_MAX) return absl::OutOfRangeError("the chunk is too large");
  data_left_ = static_cast<int64_t>(size);
  next_ = size > 0 ? Next::kData : Next::kTrailerField;
  if (size > 0) line_bytes_left_ = kMaxLineBytes;
  return absl::OkStatus();
}

// A folded line begins with a blank, so its name is empty here. The value needs no look: TakeLine() has found no
// control character in it.
absl::Status HttpChunks::OnTrailerField(absl::string_view line) {
  absl::string_view rest = line;
  const absl::string_view name = line.substr(0, Skip(rest, IsHttpTokenChar));
  if (name.empty() || !absl::StartsWith(rest, ":") || IsOfFraming(name)) return Malformed();
  return absl::OkStatus();
}

// The data counts as consumed even if the sink fails: Take() is not called again then.
absl::Status HttpChunks::TakeData(Input& input, Sink sink) {
  const int64_t count = std::min(data_left_, static_cast<int64_t>(input.bytes().size()));
  const absl::string_view bytes = input.bytes().substr(0, static_cast<size_t>(count));
  input.Consume(bytes.size());
  data_left_ -= count;
  if (data_left_ == 0) next_ = Next::kDataEnd;
  return sink(bytes);
}

// The CR may arrive alone. It stays in the input until the LF is there, so that no state is needed for it.
absl::Status HttpChunks::TakeDataEnd(Input& input) {
  const absl::string_view end = input.bytes().substr(0, kCrLf.size());
  if (!absl::StartsWith(kCrLf, end)) return Malformed();
  if (end.size() < kCrLf.size()) return absl::OkStatus();
  input.Consume(kCrLf.size());
  next_ = Next::kSize;
  return absl::OkStatus();
}

}  // namespace polyserve
