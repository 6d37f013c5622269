// Tells lines that were meant for another kind of server: HTTP requests and TLS handshakes. A web page can make its
// visitor's browser send an HTTP request to any port, with text of the page's choice behind the head; a service of
// lines would refuse the head line by line, and then carry out that text as commands.
#ifndef POLYSERVE_PROTOCOL_OTHER_PROTOCOL_H_
#define POLYSERVE_PROTOCOL_OTHER_PROTOCOL_H_

#include "absl/strings/string_view.h"

namespace polyserve {

// What to say before closing. Lives for ever.
constexpr absl::string_view kOtherProtocolReason = "this is no server of HTTP or TLS";

// True if the line, without its end, is the request line of HTTP, or begins a TLS handshake.
bool IsOfOtherProtocol(absl::string_view line);

// The same for the beginning of a line that is too long: whatever follows, it may be one.
bool MayBeOfOtherProtocol(absl::string_view beginning);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_OTHER_PROTOCOL_H_
