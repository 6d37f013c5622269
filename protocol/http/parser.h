// Parses heads of HTTP/1.1 requests (RFC 9112) with the parser of Boost.Beast, made strict. Any head that two
// implementations could frame differently is refused, because such differences let requests be smuggled past a proxy
// (section 11.2):
//
//   Content-Length and Transfer-Encoding together            400   section 6.1
//   Transfer-Encoding in HTTP/1.0                            400   section 6.1
//   a Transfer-Encoding other than chunked                   501   section 6.1
//   a second Content-Length, or one that is not a number     400   section 6.3; RFC 9110, section 8.6
//   a second Transfer-Encoding                               400
//   no Host in HTTP/1.1, a second one, or a malformed one    400   section 3.2
//   an Expect other than 100-continue                        417   RFC 9110, section 10.1.1
//
// HttpHeadFinder has already refused folded lines, bare line feeds and control characters. This is the only file that
// knows Beast.
#ifndef POLYSERVE_PROTOCOL_HTTP_PARSER_H_
#define POLYSERVE_PROTOCOL_HTTP_PARSER_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"

namespace polyserve {

// Parses a whole head as HttpHeadFinder returns it, its empty line included.
//   request  Receives the result. Its views point into `head`, which must outlive it. The host of an absolute target
//            replaces the one in Host (section 3.2.2). Fields that the server does not use are skipped.
//   Returns  nothing on success; otherwise the status code and the reason. After a refusal the end of the request is
//            unknown, so the caller must close the connection after its reply. The first fault in the head counts.
// REQUIRES: `request` is newly constructed.
std::optional<HttpRefusal> ParseHttpHead(absl::string_view head, HttpRequest& request);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_PARSER_H_
