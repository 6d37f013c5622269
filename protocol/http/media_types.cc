#include "protocol/http/media_types.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace polyserve {

namespace {

// As bytes, a browser offers the file for saving, and runs nothing in it.
constexpr absl::string_view kUnknown = "application/octet-stream";
// A longer extension, its dot included, is of no type, and need not be looked up. So a name of 255 bytes, all of them
// behind the last dot, is not copied to be put in lower case.
constexpr size_t kMaxEndBytes = 32;

// Enough for web pages on a system without /etc/mime.types, such as a minimal container.
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
  // Nothing is copied of a file that is not there, or is empty. By way of a stream, since an iterator over the file
  // would throw if it cannot be read.
  const std::ifstream file("/etc/mime.types");
  std::ostringstream table;
  if (!(table << file.rdbuf())) return Parse(std::string(kFallback));
  MediaTypes types = Parse(table.str());
  if (types.type_of_.empty()) return Parse(std::string(kFallback));
  return types;
}

MediaTypes MediaTypes::Parse(std::string table) {
  // Types are case-insensitive (RFC 9110, section 8.3.1); extensions are treated alike, so that PHOTO.JPG has a type.
  absl::AsciiStrToLower(&table);
  MediaTypes types;
  types.table_ = std::make_unique<const std::string>(std::move(table));
  for (absl::string_view line : absl::StrSplit(*types.table_, '\n')) {
    line = line.substr(0, line.find('#'));
    absl::string_view type;
    for (absl::string_view word : absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty())) {
      // emplace() does not replace: the first line that names an extension counts, as with other readers of the table.
      if (!type.empty()) types.type_of_.emplace(word, type);
      if (type.empty()) type = word;
    }
  }
  return types;
}

std::string MediaTypes::Find(absl::string_view name) const {
  // The last extension alone: the bytes of "a.tar.gz" are gzip's. A Content-Encoding would tell the client to unpack
  // them, and to store something else than the file.
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos || name.size() - dot > kMaxEndBytes) return std::string(kUnknown);
  const auto found = type_of_.find(absl::AsciiStrToLower(name.substr(dot + 1)));
  if (found == type_of_.end()) return std::string(kUnknown);
  // Without a charset, a browser would guess one. Others need none: JSON is UTF-8 (RFC 8259, section 8.1), and XML
  // states its own encoding (RFC 7303, section 3).
  const bool is_text = absl::StartsWith(found->second, "text/");
  return absl::StrCat(found->second, is_text ? "; charset=utf-8" : "");
}

}  // namespace polyserve
