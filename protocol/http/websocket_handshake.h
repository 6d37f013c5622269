// The opening handshake of a WebSocket (RFC 6455, section 4.2), as far as HTTP has a part in it.
#ifndef POLYSERVE_PROTOCOL_HTTP_WEBSOCKET_HANDSHAKE_H_
#define POLYSERVE_PROTOCOL_HTTP_WEBSOCKET_HANDSHAKE_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"

namespace polyserve {

// What belongs into the head of a 426.
constexpr absl::string_view kWebSocketRequiredLines =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";

// Nothing where the request opens a WebSocket. Otherwise what is wrong: 426 it is no such request, or of another
// version; 400 it is malformed; 403 it comes from a page of another site. A browser sends the page's origin, and lets
// any page open a WebSocket to any server: only the server can tell the pages apart (section 10.2).
std::optional<HttpRefusal> CheckWebSocketRequest(const HttpRequest& request);

// The lines for the head of the reply that accepts it.
std::string WebSocketReplyLines(const HttpRequest& request);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_WEBSOCKET_HANDSHAKE_H_
