// The field Authorization (RFC 9110, section 11.6.2), with the schemes Basic (RFC 7617) and Bearer (RFC 6750). Both
// carry a name and a secret:
//
//   Basic base64("ada:secret")        the name ends at the first colon
//   Bearer ci.TOKEN                   the name ends at the last dot; names may have dots, tokens have none
//
// A pure function, for any thread.
#ifndef POLYSERVE_PROTOCOL_HTTP_CREDENTIALS_H_
#define POLYSERVE_PROTOCOL_HTTP_CREDENTIALS_H_

#include <optional>
#include <string>

#include "protocol/http/request.h"

namespace polyserve {

struct HttpCredentials {
  std::string name;  // "" if the field was malformed: no user has that name.
  std::string secret;
};

// Nothing if the field is missing or of another scheme, which is to say nothing about the sender.
std::optional<HttpCredentials> ParseHttpCredentials(const HttpRequest::Field& authorization);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_CREDENTIALS_H_
