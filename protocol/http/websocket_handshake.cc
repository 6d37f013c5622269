#include "protocol/http/websocket_handshake.h"

#include <nettle/sha1.h>

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

constexpr absl::string_view kVersion = "13";
// 16 random bytes in Base64 (section 4.1).
constexpr size_t kKeyBytes = 16;
constexpr size_t kEncodedKeyBytes = 24;
// Section 1.3. No server hashes this text by accident, so the reply proves that it understands WebSockets.
constexpr absl::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// Upgrade may name several protocols, in any case: "h2c, WebSocket".
bool ListHas(absl::string_view list, absl::string_view token) {
  for (absl::string_view element : absl::StrSplit(list, ',')) {
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(element), token)) return true;
  }
  return false;
}

bool IsKey(absl::string_view text) {
  // The content of the key does not matter (section 4.2.1, item 5, has it decode to 16 bytes); a wrong length shows a
  // client that does not speak the protocol.
  std::string key;
  return text.size() == kEncodedKeyBytes && absl::Base64Unescape(text, &key) && key.size() == kKeyBytes;
}

// An origin is a scheme and an authority (RFC 6454, section 6.2), the latter written as in Host: without the scheme's
// own port. Both schemes pass, since a proxy in front may speak TLS. "null", the origin of a sandboxed page, does not.
bool IsOfHost(absl::string_view origin, absl::string_view host) {
  if (!absl::ConsumePrefix(&origin, "http://") && !absl::ConsumePrefix(&origin, "https://")) return false;
  return absl::EqualsIgnoreCase(origin, host);
}

}  // namespace

std::optional<HttpRefusal> CheckWebSocketRequest(const HttpRequest& request) {
  const bool is_upgrade = request.wants_upgrade && ListHas(request.upgrade.value_or(""), "websocket");
  if (!is_upgrade || request.method != HttpMethod::kGet) return HttpRefusal{426, "this address is for WebSockets"};
  // Content would stand in front of the first frame, and a WebSocket has no place for it there.
  if (request.has_content()) return HttpRefusal{400, "a request for a WebSocket has no content"};
  if (!request.sec_websocket_version.has_value()) return HttpRefusal{400, "the Sec-WebSocket-Version is missing"};
  // With the 426 goes the version that is spoken (section 4.2.2, item 4), so that the client can try again.
  if (*request.sec_websocket_version != kVersion) return HttpRefusal{426, "this is a server of version 13"};
  if (!IsKey(request.sec_websocket_key.value_or(""))) {
    return HttpRefusal{400, "the Sec-WebSocket-Key is missing or malformed"};
  }
  // The last check, on a request that is otherwise in order: without it, any page on the web could speak in the chat
  // for a visitor who can reach this server.
  if (request.origin.has_value() && !IsOfHost(*request.origin, request.host.value_or(""))) {
    return HttpRefusal{403, "the page that asks is of another origin"};
  }
  return std::nullopt;
}

// Section 4.2.2, step 5: the key as it was sent, not decoded, then the GUID, hashed with SHA-1. This is no protection,
// and SHA-1 need not be strong: it only shows that the server has read the key. No extension and no subprotocol is
// accepted, so neither has a line.
std::string WebSocketReplyLines(const HttpRequest& request) {
  const std::string text = absl::StrCat(request.sec_websocket_key.value_or(""), kGuid);
  sha1_ctx context;
  sha1_init(&context);
  sha1_update(&context, text.size(), reinterpret_cast<const uint8_t*>(text.data()));
  uint8_t digest[SHA1_DIGEST_SIZE];
  sha1_digest(&context, sizeof(digest), digest);
  const absl::string_view bytes(reinterpret_cast<const char*>(digest), sizeof(digest));
  return absl::StrCat("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ", absl::Base64Escape(bytes),
                      "\r\n");
}

}  // namespace polyserve
