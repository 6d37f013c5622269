// The output of the commands list and stat: as text for people, or as JSON for programs (--json).
#ifndef POLYSERVE_CLIENT_LISTING_H_
#define POLYSERVE_CLIENT_LISTING_H_

#include <string>

#include "absl/time/time.h"
#include "client/reply.h"

namespace polyserve {

// A line of a list, with its end: size, date and name, in aligned columns. If `to_terminal`, the name is made
// printable, since a server may send escape sequences; otherwise its bytes are unchanged.
std::string ListLineAsText(const FileInfo& file, absl::TimeZone zone, bool to_terminal);

// The lines about one file, with its exact size. Names as above.
std::string FileAsText(const FileInfo& file, absl::TimeZone zone, bool to_terminal);

// {"mtime":0,"name":"a.txt","size":5} without a line end; mtime in seconds since 1970. Bytes of a name that are not
// UTF-8 become U+FFFD, and control characters are escaped. A list is an array of such objects.
std::string FileAsJson(const FileInfo& file);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LISTING_H_
