// What list and stat print: for a person, or as JSON for a program.
#ifndef POLYSERVE_CLIENT_LISTING_H_
#define POLYSERVE_CLIENT_LISTING_H_

#include <string>

#include "absl/time/time.h"
#include "client/reply.h"

namespace polyserve {

// A line of a list: size, date, name, in columns that stand below each other. Names are made printable for a terminal;
// elsewhere their bytes are left alone.
std::string ListLineAsText(const FileInfo& file, absl::TimeZone zone, bool to_terminal);

// One file: its exact size, too.
std::string FileAsText(const FileInfo& file, absl::TimeZone zone, bool to_terminal);
// {"mtime":0,"name":"a.txt","size":5} without a line end; mtime in seconds since 1970. Bytes of a name that are not
// UTF-8 appear as U+FFFD, and what a terminal should not get as an escape. A list is such objects in brackets, with
// commas between them.
std::string FileAsJson(const FileInfo& file);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LISTING_H_
