// HttpHost: the server that a request is for, as named by the field Host or by an absolute target (RFC 9112, section
// 3.2; RFC 3986, section 3.2), and HttpAllowedHosts: the names that this server answers for (--allowed_hosts).
//
// The owner of any site can let its name resolve to this server's address (DNS rebinding). A visitor's browser then
// takes this server for that site, and lets the site's page read files, upload, and speak in the chat. Only the name in
// Host gives it away.
#ifndef POLYSERVE_PROTOCOL_HTTP_HOST_H_
#define POLYSERVE_PROTOCOL_HTTP_HOST_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// The views point into the parsed text.
struct HttpHost {
  absl::string_view name;   // Without the port; an IPv6 address keeps its brackets. "" if the client names none.
  absl::string_view port;   // Digits; "" if there is none.
  bool is_address = false;  // An IP address, so that no name was resolved.
};

// Returns nothing if the text is malformed. Stricter than the grammar in three points, because implementations differ
// in how they read such hosts: no comma, no port without a host, no port above 65535.
std::optional<HttpHost> ParseHttpHost(absl::string_view text);

// Immutable after construction, so safe for use from several threads.
class HttpAllowedHosts {
 public:
  // Allows any host.
  HttpAllowedHosts() = default;

  // Parses a list separated by commas: "example.org" is that name, ".example.org" the name and all names below it, "*"
  // any name. IP addresses, localhost and the names below it, and names without a dot are always allowed, since no
  // foreign site can have them. Returns InvalidArgument if an entry is not a name, or has a port.
  static absl::StatusOr<HttpAllowedHosts> Parse(absl::string_view list);

  // `host` is the text of the field, port included, case ignored. A request that names no host is allowed: it does not
  // come from a browser.
  bool Allow(absl::string_view host) const;

 private:
  bool allows_any_ = true;
  std::vector<std::string> names_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_HOST_H_
