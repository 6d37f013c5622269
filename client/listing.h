// What list and stat print: for a person, or as JSON for a program.
#ifndef POLYSERVE_CLIENT_LISTING_H_
#define POLYSERVE_CLIENT_LISTING_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/reply.h"

namespace polyserve {

// A line for each file: size, date, name, the columns below each other. The names are made printable for a terminal;
// elsewhere their bytes are left alone.
std::string ListingAsText(const std::vector<FileInfo>& files, absl::TimeZone zone, bool to_terminal);
// [{"mtime":0,"name":"a.txt","size":5}, ...] with a line end; mtime in seconds since 1970. Bytes of a name that are not
// UTF-8 appear as U+FFFD.
std::string ListingAsJson(const std::vector<FileInfo>& files);

// One file: its exact size, too.
std::string FileAsText(const FileInfo& file, absl::TimeZone zone, bool to_terminal);
std::string FileAsJson(const FileInfo& file);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LISTING_H_
