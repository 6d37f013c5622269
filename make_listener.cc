#include "make_listener.h"

#include <utility>

#include "base/unique_fd.h"
#include "protocol/session.h"

namespace polyserve {

Listener MakeListener(const ListenSpec& spec, const ListenerParts& parts) {
  auto make = spec.service->make_session;
  const bool is_for_datagrams = spec.transport == Transport::kDatagrams;
  if (is_for_datagrams && spec.service->make_datagram_session != nullptr) make = spec.service->make_datagram_session;
  // The closure has its own copy of the services, and with it a reference to the library, the site and the room: they
  // live as long as any listener that can make a session of them, in every thread that copies the listener.
  SessionFactory make_session = [make, services = parts.services] { return make(services); };
  if (spec.has_tls) {
    make_session = [plain = std::move(make_session), tls = parts.tls, alpn = spec.service->alpn] {
      return tls->MakeSession(plain(), alpn);
    };
  }
  // Outside of TLS: a balancer that passes a connection on cannot read it.
  if (parts.behind_balancers != nullptr && !is_for_datagrams) {
    make_session = BehindBalancers(std::move(make_session), parts.behind_balancers);
  }
  Listener listener{spec.service->name, UniqueFd(), std::move(make_session), spec.transport,
                    spec.service->has_own_ports()};
  listener.has_tls = spec.has_tls;
  listener.number = NumberOf(*spec.service);
  listener.closes_at_will = spec.service->closes_at_will;
  listener.refuses_in_words = spec.service->refuses_in_words && !spec.has_tls;  // Not before the handshake.
  listener.connections = parts.connections;
  listener.address_limits = parts.connection_limit;
  return listener;
}

}  // namespace polyserve
