// MakeListener: a listener without its socket, from an address of --listen. Its closure, which makes sessions, is all
// that a model sees of a service, of TLS, and of load balancers.
#ifndef POLYSERVE_MAKE_LISTENER_H_
#define POLYSERVE_MAKE_LISTENER_H_

#include <memory>

#include "access/address_limits.h"
#include "backends/accept/server_context.h"
#include "listen_spec.h"
#include "net/connection_table.h"
#include "protocol/proxy/session.h"
#include "protocol/tls/server.h"
#include "services.h"

namespace polyserve {

// What the listeners of a server have in common.
struct ListenerParts {
  const ServiceContext& services;  // Copied: what it refers to lives as long as any listener.
  ConnectionTable connections;
  std::shared_ptr<TlsServer> tls;                         // Null if no listener has TLS.
  std::shared_ptr<const ProxyTerms> behind_balancers;     // Null if there are none.
  std::shared_ptr<const AddressLimits> connection_limit;  // Null if an address may have any number of connections.
};

Listener MakeListener(const ListenSpec& spec, const ListenerParts& parts);

}  // namespace polyserve

#endif  // POLYSERVE_MAKE_LISTENER_H_
