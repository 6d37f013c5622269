// http_framing: where requests begin and end. A second reader, written from the grammar of RFC 9112 and not from the
// server's code, is lax in the ways that proxies in front of a server may be. In any input that the server accepts, all
// of its readings must find the same requests and contents. If one finds others, a request could be smuggled past it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "protocol/http/chunks.h"
#include "protocol/http/head_finder.h"
#include "protocol/http/parser.h"
#include "protocol/http/request.h"
#include "protocol/session.h"

namespace polyserve {
namespace {

// A request, in positions of the whole input.
struct Found {
  size_t content_begin = 0;
  size_t end = 0;            // 0 if its content is not all there.
  std::string content = {};  // As far as it is there.
};

// --- The server's reading. ---

std::vector<Found> ReadAsServer(absl::string_view text) {
  std::vector<Found> requests;
  HttpHeadFinder heads;
  Input input(text);
  const auto position = [&] { return text.size() - input.bytes().size(); };
  while (const std::optional<absl::string_view> head = heads.Next(input)) {
    HttpRequest request;
    if (ParseHttpHead(*head, request).has_value()) break;
    Found found{.content_begin = position()};
    bool is_whole = true;
    if (request.chunked) {
      HttpChunks chunks;
      const absl::Status status = chunks.Take(input, [&found](absl::string_view bytes) {
        found.content.append(bytes.data(), bytes.size());
        return absl::OkStatus();
      });
      is_whole = status.ok() && chunks.done();
    } else {
      const size_t length = static_cast<size_t>(request.content_length.value_or(0));
      is_whole = length <= input.bytes().size();
      found.content = std::string(input.bytes().substr(0, length));
      input.Consume(found.content.size());
    }
    if (is_whole) found.end = position();
    requests.push_back(std::move(found));
    if (!is_whole) break;
  }
  return requests;
}

// --- Other readings. ---

// What recipients do with what the grammar forbids. All of these have been seen in front of servers.
struct Reading {
  enum class LineEnds { kCrLf, kLf, kAny };  // kAny: CR alone, too.

  absl::string_view name;
  LineEnds line_ends = LineEnds::kCrLf;
  bool joins_folds = true;            // A line that begins with a blank continues the one before; else it is its own.
  bool trims_names = false;           // "Content-Length : 5" is one.
  bool last_length_counts = false;    // Of several; else the first.
  bool length_before_chunks = false;  // Content-Length goes before Transfer-Encoding.
};

constexpr Reading kReadings[] = {
    {.name = "to the letter"},
    {.name = "lines end at LF", .line_ends = Reading::LineEnds::kLf},
    {.name = "lines end at CR, too", .line_ends = Reading::LineEnds::kAny},
    {.name = "folds are lines", .joins_folds = false},
    {.name = "folds are lines, which end at LF", .line_ends = Reading::LineEnds::kLf, .joins_folds = false},
    {.name = "names are trimmed", .trims_names = true},
    {.name = "the last length counts", .last_length_counts = true},
    {.name = "a length goes before chunks", .length_before_chunks = true},
};

class Reader {
 public:
  Reader(absl::string_view text, const Reading& reading) : text_(text), reading_(reading) {}

  // Nothing if there is no whole head.
  std::optional<Found> Next() {
    std::optional<absl::string_view> line = TakeLine();
    while (line.has_value() && line->empty()) line = TakeLine();
    if (!line.has_value() || !TakeFields()) return std::nullopt;
    Found found{.content_begin = position_};
    const bool is_chunked = absl::EndsWithIgnoreCase(encoding_, "chunked");
    const bool has_length = !length_.empty();
    const bool is_whole = is_chunked && !(has_length && reading_.length_before_chunks)
                              ? TakeChunks(found.content)
                              : TakeBytes(std::strtoull(length_.c_str(), nullptr, 10), found.content);
    if (is_whole) found.end = position_;
    return found;
  }

 private:
  std::optional<absl::string_view> TakeLine() {
    const absl::string_view rest = text_.substr(position_);
    const bool at_any = reading_.line_ends == Reading::LineEnds::kAny;
    const size_t end = reading_.line_ends == Reading::LineEnds::kCrLf ? rest.find("\r\n")
                       : at_any                                       ? rest.find_first_of("\r\n")
                                                                      : rest.find('\n');
    if (end == absl::string_view::npos) return std::nullopt;
    absl::string_view line = rest.substr(0, end);
    const bool has_two = rest[end] == '\r' && rest.substr(end + 1, 1) == "\n";
    position_ += end + (has_two ? 2 : 1);
    if (reading_.line_ends == Reading::LineEnds::kLf && absl::EndsWith(line, "\r")) line.remove_suffix(1);
    return line;
  }

  // The fields of a head or of a trailer, to the empty line behind them.
  bool TakeFields() {
    length_.clear();
    encoding_.clear();
    std::string field;
    while (const std::optional<absl::string_view> line = TakeLine()) {
      const bool is_fold = !line->empty() && absl::ascii_isblank((*line)[0]);
      if (is_fold && reading_.joins_folds) {
        field.append(line->data(), line->size());
        continue;
      }
      OnField(field);
      if (line->empty()) return true;
      field = std::string(is_fold ? absl::StripLeadingAsciiWhitespace(*line) : *line);
    }
    return false;
  }

  void OnField(absl::string_view field) {
    const size_t colon = field.find(':');
    if (colon == absl::string_view::npos) return;
    absl::string_view name = field.substr(0, colon);
    if (reading_.trims_names) name = absl::StripAsciiWhitespace(name);
    const absl::string_view value = absl::StripAsciiWhitespace(field.substr(colon + 1));
    if (absl::EqualsIgnoreCase(name, "Transfer-Encoding")) encoding_ = std::string(value);
    if (!absl::EqualsIgnoreCase(name, "Content-Length")) return;
    if (length_.empty() || reading_.last_length_counts) length_ = std::string(value);
  }

  bool TakeBytes(uint64_t count, std::string& content) {
    const absl::string_view bytes = text_.substr(position_, count);
    content.append(bytes.data(), bytes.size());
    position_ += bytes.size();
    return bytes.size() == count;
  }

  bool TakeChunks(std::string& content) {
    while (const std::optional<absl::string_view> line = TakeLine()) {
      const uint64_t size = std::strtoull(std::string(*line).c_str(), nullptr, 16);
      if (size == 0) return TakeFields();
      if (!TakeBytes(size, content)) return false;
      const std::optional<absl::string_view> end = TakeLine();
      if (!end.has_value() || !end->empty()) return false;
    }
    return false;
  }

  const absl::string_view text_;
  const Reading& reading_;
  size_t position_ = 0;
  std::string length_;    // The value of Content-Length.
  std::string encoding_;  // The same of Transfer-Encoding.
};

void Compare(absl::string_view text, const std::vector<Found>& requests, const Reading& reading) {
  Reader reader(text, reading);
  for (const Found& request : requests) {
    const std::optional<Found> other = reader.Next();
    const std::string where = absl::CHexEscape(text);
    CHECK(other.has_value()) << reading.name << ": " << where;
    CHECK_EQ(request.content_begin, other->content_begin) << reading.name << ": " << where;
    if (request.end == 0) return;
    CHECK_EQ(request.end, other->end) << reading.name << ": " << where;
    CHECK(request.content == other->content) << reading.name << ": " << where;
  }
}

}  // namespace
}  // namespace polyserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<polyserve::Found> requests = polyserve::ReadAsServer(text);
  for (const polyserve::Reading& reading : polyserve::kReadings) polyserve::Compare(text, requests, reading);
  return 0;
}
