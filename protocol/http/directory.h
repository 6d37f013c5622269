// The page of a directory: its files and sub-directories with sizes and dates, as plain HTML without a script, which
// reads well on a phone and in dark mode; and the same as JSON, for programs. In three parts each, so that the page of
// a large directory is made piece by piece (see MakeListing()). Names are escaped, so the name of a stored file cannot
// bring markup into the page.
//
//   GET /docs/                             HTML, by name
//   GET /docs/?sort=date&order=desc        HTML, the latest first: the heads of the columns are such links
//   GET /docs/?format=json&sort=size       {"name": "docs", "entries": [{"name": ..., "size": ..., "mtime": ...}, ...]}
//
// Pure functions, for any thread.
#ifndef POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_
#define POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "files/library.h"
#include "files/listing.h"

namespace polyserve {

// What a query asks for.
struct HttpDirectoryView {
  ListingOrder order;
  bool is_json = false;
};

// From a target's query, "" or with its '?'. Parameters and values that are not known are ignored, as a server must
// with a query that was made for another one; of several of a name the last counts.
HttpDirectoryView ParseHttpDirectoryQuery(absl::string_view query);

// The page up to the first row, with links to the directories above, and in the heads of the columns to the other
// orders. `name` is the directory's, "" for the root.
std::string HttpDirectoryHead(absl::string_view name, ListingOrder order);
// Appends the row of an entry, as Library::Entry describes it.
void AppendHttpDirectoryRow(const Library::Entry& entry, std::string& page);
// The page from the last row on. Static storage.
absl::string_view HttpDirectoryEnd();

// The same three parts of the JSON text. The rows of one text come from one Format, which separates them by commas.
std::string HttpDirectoryJsonHead(absl::string_view name);
Listing::Format MakeHttpDirectoryJsonRows();
absl::string_view HttpDirectoryJsonEnd();

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_
