// The page of a directory: its files and sub-directories with sizes and dates, as plain HTML that reads well on a
// phone, in the light and in the dark.
#ifndef POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_
#define POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "files/library.h"

namespace polyserve {

// `name` is the directory's, "" for the root. The entries are listed in the order that they have.
std::string HttpDirectoryPage(absl::string_view name, const std::vector<Library::Entry>& entries);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_DIRECTORY_H_
