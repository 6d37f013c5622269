#include "net/udp_sources.h"

#include <cstdint>
#include <string>

namespace polyserve {

namespace {

constexpr uint16_t kFirstPortOfClients = 1024;

}  // namespace

// The hosts are compared only for services with ports of their own: for the others any host with such a port is
// refused. A listener at all addresses has none to compare, so then the address counts to which the peer has sent.
bool UdpSources::MayAnswer(const DatagramPath& path, bool own_ports) const {
  const uint16_t port = path.peer.port();
  if (port == 0 || (!own_ports && port < kFirstPortOfClients)) return false;
  for (const Endpoint& listener : listeners_) {
    if (listener.port() != port) continue;
    if (!own_ports) return false;
    // As text, since two Endpoints are equal only if their ports are.
    const std::string host = path.peer.Host();
    if (host == listener.Host() || (path.local.port() == 0 && host == path.local.Host())) return false;
  }
  return true;
}

}  // namespace polyserve
