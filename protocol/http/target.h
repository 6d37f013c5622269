// HttpTarget: the file that a request-target names (RFC 9112, section 3.2), and the reverse: a name as written in a
// link. Pure text: no file is looked at. The other two forms of a target are not for files: "*" is handled by
// HttpSession, and the authority form belongs to CONNECT, which is not offered.
//
// Pure functions, for any thread.
#ifndef POLYSERVE_PROTOCOL_HTTP_TARGET_H_
#define POLYSERVE_PROTOCOL_HTTP_TARGET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace polyserve {

struct HttpTarget {
  std::string name;           // In the library: decoded, without slashes at its ends; "" is the root.
  bool is_directory = false;  // The target ends with a slash.
  absl::string_view query;    // From the '?' on, "" if there is none; points into the parsed target.

  // The addresses under /-/ are the server's own; a directory of this name in the library is not reachable by http.
  bool is_servers_own() const { return name == "-" || absl::StartsWith(name, "-/"); }
  // /-/chat, where a WebSocket opens.
  bool is_chat() const { return name == "-/chat" && !is_directory; }
  // /-/relay, by which another server is asked.
  bool is_relay() const { return name == "-/relay" && !is_directory; }
  // What a load balancer asks, which has no password.
  bool is_probe() const { return (name == "-/health" || name == "-/ready") && !is_directory; }
};

// Parses the origin form ("/a%20b?x") and the absolute form ("http://host/a%20b?x"). Merges slashes, and removes the
// parts "." and "..", encoded ones as well: "//a/./b/%2e%2e/c" is "a/c". Whether the library accepts the name is for
// Library to check. Returns InvalidArgument, with a text for the peer, if the target is neither form, is badly encoded,
// leaves the root by "..", or holds an encoded slash, which no name can contain.
absl::StatusOr<HttpTarget> ParseHttpTarget(absl::string_view target);

// The name, percent-encoded for use in a path (RFC 3986, section 3.3); slashes stay. ParseHttpTarget() reverses it.
std::string EncodeHttpPath(absl::string_view name);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_TARGET_H_
