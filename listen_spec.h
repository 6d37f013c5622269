// ListenSpec: one address of --listen, SERVICE[+tls|+udp][:PROGRAM]://HOST:PORT, checked against the table of services:
//   file://127.0.0.1:8888    the service `file` over TCP
//   http+tls://[::]:8443     the service `http` over TLS over TCP
//   echo+udp://[::1]:7777    the service `echo` over UDP
//   http://localhost:0       the service `http` on any free port
//   exec:/usr/bin/tr a-z A-Z://127.0.0.1:7000    the program /usr/bin/tr with two arguments, as the service `exec`
//
// The words of a program are separated by blanks. There are no quotes, and no comma can be in them: what needs these is
// for a script.
#ifndef POLYSERVE_LISTEN_SPEC_H_
#define POLYSERVE_LISTEN_SPEC_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "backends/accept/server_context.h"
#include "net/endpoint.h"
#include "services.h"

namespace polyserve {

// One address to listen at. Plain data: nothing is bound yet.
struct ListenSpec {
  const Service* service;  // Never null; a row of the table of services, which is static.
  Transport transport;     // One that the service has.
  bool has_tls;            // Encrypted; a stream then.
  Endpoint endpoint;
  std::vector<std::string> program;  // The path and the arguments, of a service that runs one; otherwise empty.
  bool is_loopback;  // By the text alone: "localhost", an address of 127.0.0.0/8 (also mapped into IPv6), or [::1].
};

// Whether to resolve host names, which may block for seconds. A program image that was started for one connection binds
// nothing, so it resolves none: its endpoints stay empty.
enum class HostLookup { kYes, kNo };

// Parses a comma-separated list; an empty list means every service that has a default port, on 127.0.0.1. The result
// has the order of the list, and at least one entry. Returns InvalidArgument, with a text for the user, if an address
// is malformed, cannot be resolved, or names a service or a transport that does not exist. Whether a program is there,
// it does not look.
absl::StatusOr<std::vector<ListenSpec>> ParseListenSpecs(absl::string_view list, HostLookup lookup);

}  // namespace polyserve

#endif  // POLYSERVE_LISTEN_SPEC_H_
