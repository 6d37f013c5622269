// UdpSources: which senders of datagrams may be answered at all. A sender's address can be forged, so one datagram in
// the name of a service that answers everything would have the two answer each other for ever (CERT CA-1996-01). So a
// service that answers on its own port does not answer what seems to come from
//
//   a port that a UDP listener of this server has, on whatever host: another server of the kind, or this one itself;
//   a port below 1024, where echo, chargen, daytime and the like are, and hardly a client (as in inetd of BSD, Linux).
//
// One that answers from a port of its own (TFTP) speaks a protocol in which nothing goes on for ever, and some of its
// clients send from strange ports; only the server itself is no client of it. Port 0 is nobody's.
#ifndef POLYSERVE_NET_UDP_SOURCES_H_
#define POLYSERVE_NET_UDP_SOURCES_H_

#include <utility>
#include <vector>

#include "net/datagram.h"
#include "net/endpoint.h"

namespace polyserve {

class UdpSources {
 public:
  // Where the server's own UDP listeners are bound.
  explicit UdpSources(std::vector<Endpoint> listeners) : listeners_(std::move(listeners)) {}

  // `own_ports` says how the service answers. To be asked once for each new peer.
  bool MayAnswer(const DatagramPath& path, bool own_ports) const;

 private:
  std::vector<Endpoint> listeners_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_UDP_SOURCES_H_
