#include "protocol/http/head_finder.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "protocol/http/syntax.h"

namespace polyserve {

namespace {

// Room for the longest method and the version beside the target, so that a target of just over kMaxTargetBytes still
// reaches the parser. Beyond this bound a line is refused without waiting for its end.
constexpr size_t kMaxRequestLineBytes = HttpHeadFinder::kMaxTargetBytes + 64;

// The codes are those of RFC 9112, sections 3 and 5, and RFC 6585, section 5 (431). Objects with static storage,
// because refusal() returns a pointer to one of them.
constexpr HttpRefusal kTargetTooLong = {414, "the request line is too long"};
constexpr HttpRefusal kHeadTooLong = {431, "the request's head is too long"};
constexpr HttpRefusal kMethodTooLong = {501, "the method is too long"};
constexpr HttpRefusal kBareLineFeed = {400, "a line must end with CR LF"};
constexpr HttpRefusal kBadControl = {400, "a line holds a control character"};
constexpr HttpRefusal kFoldedLine = {400, "folded header lines are not taken"};
constexpr HttpRefusal kBadRequestLine = {400, "the request line is malformed"};
constexpr HttpRefusal kBadName = {400, "the name of a header field is malformed"};
constexpr HttpRefusal kTooManyEmptyLines = {400, "there is no request but empty lines"};
constexpr HttpRefusal kOtherVersion = {505, "this is a server of HTTP/1.1"};

// "HTTP/1.1", with any digits: the version of another protocol is refused at its first wrong byte (400), that of
// another HTTP once it is complete (505).
bool MayBeInVersion(char c, size_t position) {
  // The name is case-sensitive (RFC 9112, section 2.3).
  constexpr absl::string_view kPattern = "HTTP/1.1";
  if (position >= kPattern.size()) return false;
  if (kPattern[position] == '1') return absl::ascii_isdigit(static_cast<unsigned char>(c));
  return c == kPattern[position];
}

}  // namespace

std::optional<absl::string_view> HttpHeadFinder::Next(Input& input) {
  while (!input.empty()) {
    const absl::string_view bytes = input.bytes();
    if (!FindLine(bytes)) return std::nullopt;
    // An empty line ends a head that has begun. Before a head it is skipped: some old clients send one behind the
    // content of a POST (section 2.2). The bound keeps a peer from sending nothing else for ever.
    const size_t end = line_end_;
    const bool is_empty = end == line_begin_ + 2;
    const bool is_head = is_empty && line_begin_ > 0;
    EndLine(is_empty ? 0 : end);
    if (!is_empty) continue;
    if (!is_head && ++empty_lines_ > kMaxEmptyLines) return Refuse(kTooManyEmptyLines), std::nullopt;
    input.Consume(end);
    if (!is_head) continue;
    empty_lines_ = 0;
    return bytes.substr(0, end);
  }
  return std::nullopt;
}

// Judges byte by byte, so that the result does not depend on how the input is sliced: the first wrong byte decides, and
// a byte beyond the bound is wrong. For the same reason only the bytes within the bound are scanned: a fault behind it
// must not win over the bound when more input happens to be there already.
bool HttpHeadFinder::FindLine(absl::string_view bytes) {
  const bool is_request_line = line_begin_ == 0;
  const size_t bound = is_request_line ? kMaxRequestLineBytes : kMaxHeadBytes;
  const absl::string_view seen = bytes.substr(0, bound);
  while (Scan(seen)) {
    if (line_end_ > 0) return true;
  }
  if (refusal_ == nullptr && bytes.size() > bound) Refuse(is_request_line ? kTargetTooLong : kHeadTooLong);
  return false;
}

bool HttpHeadFinder::Scan(absl::string_view seen) {
  switch (part_) {
    case Part::kMethod:
      return ScanMethod(seen);
    case Part::kTarget:
      return ScanTarget(seen);
    case Part::kVersion:
      return ScanVersion(seen);
    case Part::kName:
      return ScanName(seen);
    case Part::kRest:
      break;
  }
  return ScanRest(seen);
}

// A CR in place of a method is the beginning of an empty line. A method that is too long gets 501, as section 3
// advises: it is longer than any that this server knows.
bool HttpHeadFinder::ScanMethod(absl::string_view seen) {
  size_t i = searched_;
  while (i < seen.size() && i <= kMaxMethodBytes && IsHttpTokenChar(seen[i])) ++i;
  searched_ = static_cast<uint32_t>(i);
  if (i > kMaxMethodBytes) return Refuse(kMethodTooLong);
  if (i == seen.size()) return false;
  if (seen[i] == ' ' && i > 0) return Enter(Part::kTarget, i + 1);
  if (seen[i] == '\r' && i == 0) return Enter(Part::kRest, i);
  return Refuse(seen[i] == '\n' ? kBareLineFeed : kBadRequestLine);
}

// Exactly one space on each side of the target. Section 3 allows a server to accept other whitespace, and two servers
// that split such a line at different places see different targets. Bytes of 0x80 and above pass: some clients do not
// encode UTF-8, and what is none is no name of the library.
bool HttpHeadFinder::ScanTarget(absl::string_view seen) {
  size_t i = searched_;
  while (i < seen.size() && seen[i] != ' ' && seen[i] != '\t' && !IsHttpControl(seen[i])) ++i;
  searched_ = static_cast<uint32_t>(i);
  if (i == seen.size()) return false;
  if (seen[i] == ' ' && i > part_begin_) return Enter(Part::kVersion, i + 1);
  return Refuse(seen[i] == '\n' ? kBareLineFeed : kBadRequestLine);
}

// HTTP/1.2 and later should be served as 1.1 (RFC 9110, section 2.5). But no such version exists, so a peer that sends
// one is broken or probes for differences.
bool HttpHeadFinder::ScanVersion(absl::string_view seen) {
  constexpr absl::string_view kUsual = "HTTP/1.1\r";
  if (absl::StartsWith(seen.substr(part_begin_), kUsual)) return Enter(Part::kRest, part_begin_ + kUsual.size() - 1);
  size_t i = searched_;
  while (i < seen.size() && MayBeInVersion(seen[i], i - part_begin_)) ++i;
  searched_ = static_cast<uint32_t>(i);
  if (i == seen.size()) return false;
  constexpr size_t kVersionBytes = 8;
  if (i - part_begin_ != kVersionBytes || seen[i] != '\r') {
    return Refuse(seen[i] == '\n' ? kBareLineFeed : kBadRequestLine);
  }
  const absl::string_view version = seen.substr(part_begin_, kVersionBytes);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return Refuse(kOtherVersion);
  return Enter(Part::kRest, i);
}

// A colon must follow the name at once: whitespace before it must be refused (section 5.1), since one reader would take
// "Content-Length " for the field and another would ignore it. A line that begins with whitespace is a folded one
// (section 5.2), or, right behind the request line, whitespace that section 2.2 lets a server refuse.
bool HttpHeadFinder::ScanName(absl::string_view seen) {
  size_t i = searched_;
  while (i < seen.size() && IsHttpTokenChar(seen[i])) ++i;
  searched_ = static_cast<uint32_t>(i);
  if (i == seen.size()) return false;
  const bool is_first = i == line_begin_;
  if (seen[i] == ':' && !is_first) return Enter(Part::kRest, i + 1);
  if (seen[i] == '\r' && is_first) return Enter(Part::kRest, i);
  if (seen[i] == '\n') return Refuse(kBareLineFeed);
  return Refuse(is_first && (seen[i] == ' ' || seen[i] == '\t') ? kFoldedLine : kBadName);
}

// A field's value, or only the end of the line. The value itself is ParseHttpHead()'s; here it must hold no control
// characters. Bounding the head bounds the number of its fields as well.
bool HttpHeadFinder::ScanRest(absl::string_view seen) {
  size_t position = searched_;
  const HttpLineEnd end = FindHttpLineEnd(seen, position);
  searched_ = static_cast<uint32_t>(position);
  if (end == HttpLineEnd::kBareLf) return Refuse(kBareLineFeed);
  if (end == HttpLineEnd::kBadControl) return Refuse(kBadControl);
  if (end == HttpLineEnd::kCrLf) line_end_ = searched_ + 2;
  return end == HttpLineEnd::kCrLf;
}

// Positions count from the beginning of the input, which moves when Next() consumes a head or an empty line: hence 0.
// 32 bits are enough for them: a head has at most kMaxHeadBytes.
void HttpHeadFinder::EndLine(size_t line_end) {
  line_begin_ = part_begin_ = searched_ = static_cast<uint32_t>(line_end);
  line_end_ = 0;
  part_ = line_end == 0 ? Part::kMethod : Part::kName;
}

bool HttpHeadFinder::Enter(Part part, size_t begin) {
  part_ = part;
  part_begin_ = searched_ = static_cast<uint32_t>(begin);
  return true;
}

bool HttpHeadFinder::Refuse(const HttpRefusal& why) {
  refusal_ = &why;
  return false;
}

}  // namespace polyserve
