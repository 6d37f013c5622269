// GET /-/relay?to=HOST:PORT&ask=LINE: asks another server this line, and answers with its line. For the servers of
// --relay_to alone (protocol/relay_targets.h).
#ifndef POLYSERVE_PROTOCOL_HTTP_RELAY_PAGE_H_
#define POLYSERVE_PROTOCOL_HTTP_RELAY_PAGE_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/output.h"

namespace polyserve {

// Appends the whole reply, or has another server asked, whose answer becomes the reply: 200 with its line as text, 502,
// 503 or 504 (RelayAnswer). 400: the query has no such fields, or the line is none; 403: the server is not named by
// --relay_to. `query` begins with its '?', unless it is empty. REQUIRES: the method is GET or HEAD.
void AnswerRelay(const std::shared_ptr<const HttpSite>& site, const HttpRequest& request, absl::string_view query,
                 Output& output);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_RELAY_PAGE_H_
