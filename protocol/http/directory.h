// The page of a directory: its files and sub-directories with sizes and dates, as plain HTML that reads well on a phone
// and in dark mode. In three parts, so that the page of a large directory is made piece by piece (see MakeListing()).
// Names are escaped, so the name of a stored file cannot bring markup into the page.
#ifndef POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_
#define POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "files/library.h"

namespace polyserve {

// The page up to the first row, with a link to the parent. `name` is the directory's, "" for the root.
std::string HttpDirectoryHead(absl::string_view name);
// Appends the row of an entry, as Library::Entry describes it.
void AppendHttpDirectoryRow(const Library::Entry& entry, std::string& page);
// The page from the last row on. Static storage.
absl::string_view HttpDirectoryEnd();

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_
