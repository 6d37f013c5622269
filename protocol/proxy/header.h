// The header of the PROXY protocol, versions 1 and 2 (doc/proxy-protocol.txt of HAProxy), by which a load balancer says
// whose connection it passes on: a line, or a block of bytes.
//
//   "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
//   "\r\n\r\n\0\r\nQUIT\n" "\x21\x11" length, addresses, ports, further fields
//
// The first bytes tell which version it is. The further fields of version 2 (TLVs) are skipped, a checksum among them.
#ifndef POLYSERVE_PROTOCOL_PROXY_HEADER_H_
#define POLYSERVE_PROTOCOL_PROXY_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "protocol/session.h"

namespace polyserve {

struct ProxyHeader {
  enum class State : uint8_t {
    kIncomplete,  // So far, it may become one.
    kMalformed,   // It is none, whatever follows.
    kComplete,
  };

  // The longest of version 1, with its line end, as the protocol has it.
  static constexpr size_t kMaxLineBytes = 107;
  // Of version 2, what follows the first 16 bytes. The protocol allows 65,535; addresses need 36, and the further
  // fields that balancers send, such as the name of a TLS client, some hundred.
  static constexpr size_t kMaxBlockBytes = 4096;

  State state;
  absl::string_view fault = {};  // If it is malformed, why; in static storage.
  // If it is complete: how many of the bytes it has, and the client. None: the balancer speaks for itself, as in its
  // checks (LOCAL), or does not know the client (UNKNOWN), or that is not one of TCP.
  size_t size = 0;
  std::optional<AddressPort> client = {};
};

// `bytes`: all that have come on the connection. A fault is reported at the first byte that shows it. Costs no more
// than kMaxLineBytes steps, however many bytes there are, so that it may be called for each piece that comes.
ProxyHeader ParseProxyHeader(absl::string_view bytes);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_PROXY_HEADER_H_
