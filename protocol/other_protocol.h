// Recognises lines that were meant for another kind of server: HTTP requests and TLS handshakes.
//
// A web page can make its visitor's browser send an HTTP request to any port, with a body of the page's choice. A
// line-based service would refuse the head line by line, and then execute the body as commands ("cross-protocol request
// forgery"). Every line-based session therefore closes on the first such line.
#ifndef POLYSERVE_PROTOCOL_OTHER_PROTOCOL_H_
#define POLYSERVE_PROTOCOL_OTHER_PROTOCOL_H_

#include "absl/strings/string_view.h"

namespace polyserve {

// The text of the refusal before closing. Static storage.
constexpr absl::string_view kOtherProtocolReason = "this is no server of HTTP or TLS";

// True if the line, without its end, is the request line of HTTP (RFC 9112, section 3), or begins a TLS handshake. A
// command that looks like a request in every part, its end " HTTP/1.1" included, is taken for one.
bool IsOfOtherProtocol(absl::string_view line);

// The same for the beginning of a line that is too long, of which the rest is not known. Errs on the side of true: use
// it only if the line is refused anyway. Any thread; both cost one pass over the line at most.
bool MayBeOfOtherProtocol(absl::string_view beginning);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_OTHER_PROTOCOL_H_
