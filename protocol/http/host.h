// HttpHost: which server a request is for, as Host or an absolute target says it (RFC 9112, section 3.2; RFC 3986,
// section 3.2), and HttpAllowedHosts: which of them this server answers for.
//
// A page of any site can have its own name resolved to this server's address (DNS rebinding); its visitor's browser
// then takes the server for that site, and lets the page read, upload and speak. Only the name in Host tells.
#ifndef POLYSERVE_PROTOCOL_HTTP_HOST_H_
#define POLYSERVE_PROTOCOL_HTTP_HOST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

struct HttpHost {
  absl::string_view name;   // Without the port; an IPv6 address with its brackets. "" if the client names none.
  absl::string_view port;   // "" if there is none.
  bool is_address = false;  // An IP address, which no DNS has a say in.
};

// Nothing if the text is malformed. Stricter than the grammar in three points, since others read such hosts in other
// ways: no comma, no port without a host, and no port above 65535.
std::optional<HttpHost> ParseHttpHost(absl::string_view text);

class HttpAllowedHosts {
 public:
  // Allows any.
  HttpAllowedHosts() = default;

  // From a list with commas: "example.org" is that name, ".example.org" the same and all names below it, "*" any.
  // Addresses, localhost and the names below it, and names without a dot are always allowed. InvalidArgument: an entry
  // is no name, or has a port.
  static absl::StatusOr<HttpAllowedHosts> Parse(absl::string_view list);

  // Takes what ParseHttpHost() takes. A client that names no host is no browser, and allowed.
  bool Allow(absl::string_view host) const;

 private:
  bool allows_any_ = true;
  std::vector<std::string> names_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_HOST_H_
