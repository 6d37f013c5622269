// Conditional requests (RFC 9110, section 13): the validators of a file, and what the conditions make of them.
#ifndef POLYSERVE_PROTOCOL_HTTP_CONDITIONS_H_
#define POLYSERVE_PROTOCOL_HTTP_CONDITIONS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "files/library.h"
#include "protocol/http/request.h"

namespace polyserve {

// A strong entity tag, with its quotes: it changes with the file's inode, size, and the times of its last change as the
// file tells it (mtime, which anybody may set) and as the file system notes it (ctime). The gap: Linux before 6.13, and
// file systems that note times coarsely, give two changes in place within one tick (up to 10 ms) the same time. An
// upload always makes a new inode.
std::string HttpETag(const FileStamp& file);

enum class HttpVerdict {
  kGoOn,
  kNotModified,  // 304
  kFailed,       // 412
};

// Holds the conditions against the file, in the order of section 13.2.2; `file` is null if there is none. To be
// asked where the answer would be a success otherwise.
HttpVerdict CheckHttpConditions(const HttpRequest& request, const FileStamp* file);

// Whether Range counts: If-Range is absent, or names this state of the file.
bool HttpRangeApplies(const HttpRequest& request, const FileStamp& file);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_CONDITIONS_H_
