// Single blocking requests to a server, outside the measurement: to learn the right reply before a run, or to check
// what uploads have stored after it. Each makes a connection of its own, and waits for at most 10 s for that and for
// each further piece of the reply.
#ifndef POLYSERVE_CLIENT_LOAD_ASK_ONCE_H_
#define POLYSERVE_CLIENT_LOAD_ASK_ONCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/load/load_tls.h"
#include "net/endpoint.h"

namespace polyserve {

// Sends the request and the end of the stream (a half-close, or close_notify), and returns everything that the server
// sends until it closes. `tls` null: in the clear. Errors: Unavailable (it cannot be reached, or does not answer),
// InvalidArgument (it sends more than 1 GiB).
absl::StatusOr<std::string> AskOnce(const Endpoint& server, absl::string_view request, const LoadTls* tls = nullptr);

// Returns the content at `path`, which begins with a slash, by a GET of HTTP/1.1 that asks the server to close behind
// the reply. Errors: as AskOnce(), and InvalidArgument if the server refuses.
absl::StatusOr<std::string> GetOnce(const Endpoint& server, absl::string_view path, const LoadTls* tls = nullptr);

// The head of a request without its empty line: the request line and Host.
std::string HttpRequestHead(absl::string_view method, absl::string_view path, const Endpoint& server);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_ASK_ONCE_H_
