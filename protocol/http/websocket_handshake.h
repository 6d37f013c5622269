// The server's side of the opening handshake of a WebSocket (RFC 6455, section 4.2): the part that is HTTP.
// WebSocketSession does the rest.
#ifndef POLYSERVE_PROTOCOL_HTTP_WEBSOCKET_HANDSHAKE_H_
#define POLYSERVE_PROTOCOL_HTTP_WEBSOCKET_HANDSHAKE_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"

namespace polyserve {

// The fields that a 426 must have (RFC 9110, section 15.5.22; RFC 6455, section 4.4).
constexpr absl::string_view kWebSocketRequiredLines =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";

// Returns nothing if the request opens a WebSocket; otherwise the refusal:
//   426  it is no such request, or asks for another version than 13
//   400  it is malformed, or has a content
//   403  it comes from a page of another site. Browsers let any page open a WebSocket to any server, and only send the
//        page's origin along: the server itself must reject foreign pages (section 10.2). A request without an Origin
//        does not come from a browser, and is accepted.
std::optional<HttpRefusal> CheckWebSocketRequest(const HttpRequest& request);

// The fields of the reply (101) that accepts the request, each with its CR LF.
// REQUIRES: CheckWebSocketRequest() returned nothing.
std::string WebSocketReplyLines(const HttpRequest& request);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_WEBSOCKET_HANDSHAKE_H_
