#include "protocol/http/directory.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "base/printable.h"
#include "protocol/http/date.h"
#include "protocol/http/target.h"

namespace polyserve {

namespace {

// No script and no file from elsewhere, so the page works offline and under any policy. Long names wrap; a narrow
// screen shows no dates.
constexpr absl::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 600; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid #8884; vertical-align: top; }
td:first-child { overflow-wrap: anywhere; }
.size, .date { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
@media (max-width: 30rem) { .date { display: none; } }
</style>
)";

// Safe as text and within a quoted attribute.
std::string EscapeHtml(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

// "512 B", "1.5 KiB"
std::string ReadableSize(int64_t bytes) {
  constexpr absl::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double size = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; size >= 1024; size /= 1024) ++unit;
  return absl::StrFormat("%.1f %s", size, kUnits[unit]);
}

}  // namespace

// The name appears twice: encoded as a link, and made printable as text, so that no name can reorder the page with
// bidirectional controls. "./" keeps the link a relative path, whatever the name begins with.
void AppendHttpDirectoryRow(const Library::Entry& entry, std::string& page) {
  const absl::string_view slash = entry.is_directory ? "/" : "";
  absl::StrAppend(&page, "<tr><td><a href=\"./", EscapeHtml(EncodeHttpPath(entry.name)), slash, "\">",
                  EscapeHtml(Printable(entry.name)), slash, "</a></td><td class=\"size\">",
                  entry.is_directory ? "" : ReadableSize(entry.size), "</td>");
  absl::StrAppend(&page, "<td class=\"date\">", FormatReadableDate(entry.mtime), "</td></tr>\n");
}

std::string HttpDirectoryHead(absl::string_view name) {
  const std::string title = EscapeHtml(Printable(name.empty() ? "/" : absl::StrCat("/", name, "/")));
  std::string head =
      absl::StrCat(kHead, "<title>", title, "</title>\n</head>\n<body>\n<h1>", title, "</h1>\n<table>\n");
  absl::StrAppend(&head,
                  "<thead><tr><th>Name</th><th class=\"size\">Size</th><th class=\"date\">Changed (UTC)</th></tr>",
                  "</thead>\n<tbody>\n");
  if (!name.empty()) {
    head.append("<tr><td><a href=\"../\">../</a></td><td class=\"size\"></td><td class=\"date\"></td></tr>\n");
  }
  return head;
}

absl::string_view HttpDirectoryEnd() { return "</tbody>\n</table>\n</body>\n</html>\n"; }

}  // namespace polyserve
