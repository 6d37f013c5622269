#include "protocol/media_types.h"

#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

constexpr absl::string_view kUnknown = "application/octet-stream";
constexpr size_t kMaxEndBytes = 32;  // Longer ones are of no type, and need not be looked up.

constexpr absl::string_view kFallback = R"(
application/gzip gz
application/json json map
application/pdf pdf
application/wasm wasm
application/xml xml
application/zip zip
audio/mpeg mp3
audio/ogg oga ogg
font/woff woff
font/woff2 woff2
image/avif avif
image/gif gif
image/jpeg jpg jpeg
image/png png
image/svg+xml svg
image/vnd.microsoft.icon ico
image/webp webp
text/css css
text/csv csv
text/html html htm
text/javascript js mjs
text/markdown md
text/plain txt text log
video/mp4 mp4
video/webm webm
)";

}  // namespace

MediaTypes MediaTypes::OfSystem() {
  std::ifstream file("/etc/mime.types");
  const std::string table((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  MediaTypes types = Parse(table);
  return types.type_of_.empty() ? Parse(kFallback) : types;
}

MediaTypes MediaTypes::Parse(absl::string_view table) {
  MediaTypes types;
  for (absl::string_view line : absl::StrSplit(table, '\n')) {
    line = line.substr(0, line.find('#'));
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    for (size_t i = 1; i < words.size(); ++i) {
      const bool is_text = absl::StartsWith(words[0], "text/");
      // The first line that names an end counts, as with other readers of the table.
      types.type_of_.emplace(absl::AsciiStrToLower(words[i]), absl::StrCat(words[0], is_text ? "; charset=utf-8" : ""));
    }
  }
  return types;
}

absl::string_view MediaTypes::Find(absl::string_view name) const {
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos || name.size() - dot > kMaxEndBytes) return kUnknown;
  char end[kMaxEndBytes];
  size_t size = 0;
  for (char c : name.substr(dot + 1)) end[size++] = absl::ascii_tolower(static_cast<unsigned char>(c));
  const auto found = type_of_.find(absl::string_view(end, size));
  return found == type_of_.end() ? kUnknown : absl::string_view(found->second);
}

}  // namespace polyserve
