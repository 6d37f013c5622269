// UdpSources: which senders of datagrams may be answered at all. A sender's address can be forged, so one datagram in
// the name of a service that answers everything would make the two answer each other for ever (CERT CA-1996-01). So a
// service that answers on its own port does not answer what seems to come from
//
//   a port that a UDP listener of this server has, on whatever host: another server of the kind, or this one itself;
//   a port below 1024, where echo, chargen, daytime and the like are, and hardly a client (as in inetd of BSD, Linux).
//
// A service that answers from a port of its own (TFTP) speaks a protocol in which nothing goes on for ever, and some of
// its clients send from strange ports; only the server itself is no client of it. Nothing can be sent to port 0.
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

  // Whether to answer the peer at this path. `own_ports`: the service answers from a port of its own (above). To be
  // asked once for each new peer, before anything is remembered of it. Any thread; no system call.
  bool MayAnswer(const DatagramPath& path, bool own_ports) const;

 private:
  std::vector<Endpoint> listeners_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_UDP_SOURCES_H_
