// Heads of HTTP/1.1 (RFC 9112), by Boost.Beast's parser, made strict: whatever two readers could frame in two ways is
// refused, since that is how requests are smuggled past a proxy. The only file that knows Beast.
#ifndef POLYSERVE_PROTOCOL_HTTP_PARSER_H_
#define POLYSERVE_PROTOCOL_HTTP_PARSER_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"

namespace polyserve {

// Parses a whole head as HttpHeadFinder finds it, its empty line included. The host of an absolute target replaces the
// one in Host (section 3.2.2). `request` is a new one, and its views are valid as long as the head is.
// Returns a refusal if there is a fault; what is framed is not known then, so that the connection has to be closed.
std::optional<HttpRefusal> ParseHttpHead(absl::string_view head, HttpRequest& request);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_PARSER_H_
