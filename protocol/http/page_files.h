// The replies to requests for the page at /-/ and the files that it loads (page/). They may be kept by a browser, but
// only to be asked for again with their entity tag: after an update of the server, no page is mixed of old and new
// files.
#ifndef POLYSERVE_PROTOCOL_HTTP_PAGE_FILES_H_
#define POLYSERVE_PROTOCOL_HTTP_PAGE_FILES_H_

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/output.h"

namespace polyserve {

// Appends the whole reply: 200, or 304 if the client has this state. `name` is the part of the target behind "/-/": ""
// is the page itself, "page/NAME" a file of it. False, and nothing is appended: there is no such file.
// REQUIRES: the method is GET or HEAD.
bool AnswerPageFile(const HttpSite& site, const HttpRequest& request, absl::string_view name, Output& output);

// The terms of the replies under /-/: they close the connection. A browser would keep it open to be quicker the next
// time, and under a model that serves one client at a time (loop), or as many as it has workers, keep others out by
// that. The page asks every second, and should not change what it shows.
HttpReplyTerms OwnPageTerms(const HttpRequest& request);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_PAGE_FILES_H_
