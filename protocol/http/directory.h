// The page of a directory: its files and sub-directories with sizes and dates, as plain HTML that reads well on a
// phone, in the light and in the dark.
#ifndef POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_
#define POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_

#include <string>

#include "absl/strings/string_view.h"
#include "files/library.h"

namespace polyserve {

// What comes before the rows of the entries; `name` is the directory's, "" for the root.
std::string HttpDirectoryHead(absl::string_view name);
// Appends an entry's row.
void AppendHttpDirectoryRow(const Library::Entry& entry, std::string& page);
// What comes behind them.
absl::string_view HttpDirectoryEnd();

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_
