#include "protocol/http/directory.h"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/printable.h"
#include "protocol/http/date.h"
#include "protocol/http/target.h"

namespace polyserve {

namespace {

// No script and no file from elsewhere, so the page works offline and under any policy. The colours are those of the
// page at /-/ (page/style.css). Long names wrap; a narrow screen shows no dates.
constexpr absl::string_view kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>
:root { --ground: #fbfaf8; --card: #fff; --ink: #1d2129; --soft: #5b6470; --line: #e3e0da; --accent: #0b6e69; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171b; --card: #1c2026; --ink: #e8e6e1; --soft: #a3abb6; --line: #31373f; --accent: #5cc8bf; }
}
* { box-sizing: border-box; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 4rem;
  color: var(--ink); background: var(--ground); }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
nav { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; margin: 0 0 1rem; }
nav span { color: var(--soft); font-weight: 400; }
h1 { font-size: inherit; display: inline; margin: 0; }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); }
th { text-align: left; font-size: .875rem; font-weight: 600; }
th a { color: var(--soft); }
th[aria-sort] a { color: var(--ink); }
th, td { padding: .5rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:hover td { background: var(--ground); }
td:first-child { overflow-wrap: anywhere; }
.size, .date { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.size, td.date, footer { color: var(--soft); }
footer { font-size: .875rem; margin-top: 1rem; }
@media (max-width: 34rem) { .date { display: none; } th, td { padding: .75rem .5rem; } }
</style>
)";

struct Column {
  ListingOrder::By by;
  absl::string_view key;  // In the query; the style of the column as well.
  absl::string_view title;
  bool descends_first;  // A first click on a size or a date asks for the largest, or the latest.
};
constexpr Column kColumns[] = {{ListingOrder::By::kName, "name", "Name", false},
                               {ListingOrder::By::kSize, "size", "Size", true},
                               {ListingOrder::By::kDate, "date", "Changed (UTC)", true}};

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

// "/ docs / 2024 /", each part a link to its directory but for the last, which is this one.
std::string Breadcrumb(absl::string_view name) {
  if (name.empty()) return "<h1>/</h1>";
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  std::string links;
  for (size_t depth = 0; depth < parts.size();
       ++depth) {  // The root first; it is as many levels up as there are parts.
    std::string up;
    for (size_t i = depth; i < parts.size(); ++i) up.append("../");
    absl::StrAppend(&links, "<a href=\"", up, "\">", depth == 0 ? "files" : EscapeHtml(Printable(parts[depth - 1])),
                    "</a> <span>/</span> ");
  }
  return absl::StrCat(links, "<h1>", EscapeHtml(Printable(parts.back())), "</h1> <span>/</span>");
}

// The head of a column leads to the page in its order; if that is the present one, to the reverse.
void AppendColumn(const Column& column, ListingOrder order, std::string& head) {
  const bool is_present = column.by == order.by;
  const bool leads_down = is_present ? !order.is_descending : column.descends_first;
  absl::StrAppend(&head, "<th scope=\"col\" class=\"", column.key, "\"");
  if (is_present) absl::StrAppend(&head, " aria-sort=\"", order.is_descending ? "descending" : "ascending", "\"");
  absl::StrAppend(&head, "><a href=\"?sort=", column.key, "&amp;order=", leads_down ? "desc" : "asc", "\">",
                  column.title, "</a>",
                  !is_present           ? ""
                  : order.is_descending ? " ↓"
                                        : " ↑",
                  "</th>");
}

// A JSON string. The library serves names in UTF-8 only.
std::string Quoted(absl::string_view text) { return nlohmann::json(std::string(text)).dump(); }

}  // namespace

HttpDirectoryView ParseHttpDirectoryQuery(absl::string_view query) {
  HttpDirectoryView view;
  absl::ConsumePrefix(&query, "?");
  for (const absl::string_view parameter : absl::StrSplit(query, '&')) {
    const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    const auto [key, value] = pair;
    for (const Column& column : kColumns) {
      if (key == "sort" && value == column.key) view.order.by = column.by;
    }
    if (key == "order" && (value == "asc" || value == "desc")) view.order.is_descending = value == "desc";
    if (key == "format" && (value == "html" || value == "json")) view.is_json = value == "json";
  }
  return view;
}

// The name appears twice: encoded as a link, and made printable as text, so that no name can reorder the page with
// bidirectional controls. "./" keeps the link a relative path, whatever the name begins with.
void AppendHttpDirectoryRow(const Library::Entry& entry, std::string& page) {
  const absl::string_view slash = entry.is_directory ? "/" : "";
  absl::StrAppend(&page, "<tr><td><a href=\"./", EscapeHtml(EncodeHttpPath(entry.name)), slash, "\">",
                  EscapeHtml(Printable(entry.name)), slash, "</a></td><td class=\"size\">",
                  entry.is_directory ? "" : ReadableSize(entry.size), "</td>");
  absl::StrAppend(&page, "<td class=\"date\">", FormatReadableDate(entry.mtime), "</td></tr>\n");
}

// The links are relative, so that they work behind a proxy that serves the library under another path.
std::string HttpDirectoryHead(absl::string_view name, ListingOrder order) {
  const std::string title = EscapeHtml(Printable(name.empty() ? "/" : absl::StrCat("/", name, "/")));
  std::string head = absl::StrCat(kHead, "<title>", title, "</title>\n</head>\n<body>\n<nav aria-label=\"Path\">",
                                  Breadcrumb(name), "</nav>\n<table>\n<thead><tr>");
  for (const Column& column : kColumns) AppendColumn(column, order, head);
  absl::StrAppend(&head, "</tr></thead>\n<tbody>\n");
  if (!name.empty()) {
    head.append("<tr><td><a href=\"../\">../</a></td><td class=\"size\"></td><td class=\"date\"></td></tr>\n");
  }
  return head;
}

absl::string_view HttpDirectoryEnd() {
  return "</tbody>\n</table>\n<footer>Served by <a href=\"/-/\">Polyserve</a></footer>\n</body>\n</html>\n";
}

std::string HttpDirectoryJsonHead(absl::string_view name) {
  return absl::StrCat("{\"name\": ", Quoted(name), ", \"entries\": [");
}

Listing::Format MakeHttpDirectoryJsonRows() {
  return [separator = absl::string_view("\n")](const Library::Entry& entry, std::string& text) mutable {
    absl::StrAppend(&text, separator, "{\"name\": ", Quoted(entry.name));
    separator = ",\n";
    if (entry.is_directory) {
      absl::StrAppend(&text, ", \"directory\": true");
    } else {
      absl::StrAppend(&text, ", \"size\": ", entry.size);
    }
    absl::StrAppend(&text, ", \"mtime\": ", entry.mtime, "}");
  };
}

absl::string_view HttpDirectoryJsonEnd() { return "\n]}\n"; }

}  // namespace polyserve
