// One question to a server, beside all measuring: what the right reply is, or what has become of an upload.
#ifndef POLYSERVE_CLIENT_LOAD_ASK_ONCE_H_
#define POLYSERVE_CLIENT_LOAD_ASK_ONCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/endpoint.h"

namespace polyserve {

// All that the server sends to this, until it closes. Unavailable: it cannot be asked. InvalidArgument: it sends more
// than 1 GiB.
absl::StatusOr<std::string> AskOnce(const Endpoint& server, absl::string_view request);

// The content at this path, by a GET of HTTP/1.1; the path begins with a slash. InvalidArgument: the server refuses.
absl::StatusOr<std::string> GetOnce(const Endpoint& server, absl::string_view path);

// The head of a request, but for its empty line: "GET /a HTTP/1.1", and whom it is for.
std::string HttpRequestHead(absl::string_view method, absl::string_view path, const Endpoint& server);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_ASK_ONCE_H_
