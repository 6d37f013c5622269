// Conditional requests (RFC 9110, section 13): the validators of a file, and how a request's conditions evaluate.
#ifndef POLYSERVE_PROTOCOL_HTTP_CONDITIONS_H_
#define POLYSERVE_PROTOCOL_HTTP_CONDITIONS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "files/file_stamp.h"
#include "files/library.h"
#include "protocol/http/request.h"

namespace polyserve {

// A strong entity tag, with its quotes. It changes with the file's inode, its size, its modification time (mtime, which
// any owner may set) and its change time (ctime, which only the file system sets). The gap: Linux before 6.13, and file
// systems with coarse times, give two changes in place within one tick (up to 10 ms) the same time. An upload always
// makes a new inode.
std::string HttpETag(const FileStamp& file);

// The same of a file that may be a copy of another server's: then that server's tag, which may be weak, so that a
// client gets the same one from every server that has a copy. If it has sent none: one without the change time, which
// changes with what is known of the copy.
std::string HttpETagOf(const Library::File& file);

enum class HttpVerdict {
  kGoOn,         // Perform the request.
  kNotModified,  // 304: the client's copy is current. GET and HEAD only.
  kFailed,       // 412: the file is not in the state that the client expects.
};

// Evaluates If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since, in the order of section 13.2.2. `file`
// is null if there is none, `etag` is its tag, by default HttpETag(). A date that is malformed is ignored, as the RFC
// requires. REQUIRES: without the conditions the answer would be a success (section 13.2.1).
HttpVerdict CheckHttpConditions(const HttpRequest& request, const FileStamp* file, absl::string_view etag = "");

// Whether to heed the field Range: true if If-Range is absent or names this state of the file. If false, send the whole
// file (section 13.1.5). `etag` as above.
bool HttpRangeApplies(const HttpRequest& request, const FileStamp& file, absl::string_view etag = "");

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_CONDITIONS_H_
