#include "backends/accept/server_context.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/accept/connection_limit.h"
#include "base/logging.h"
#include "net/child_observer.h"
#include "net/endpoint.h"
#include "net/handover.h"
#include "net/signals.h"

namespace polyserve {

Listener Listener::CopyWith(UniqueFd other) const {
  return {service, std::move(other), make_session, transport,   own_ports,      number,           connections,
          {},      has_tls,          is_sibling,   is_managers, closes_at_will, refuses_in_words, address_limits};
}

bool Listener::stays_open() const { return is_managers || Handover::is_done(); }

// All siblings: the kernel picks any listener of the port that still takes clients, so one that is left would get them
// all.
void Listener::RefuseNewClients() const {
  if (stays_open()) return;
  polyserve::RefuseNewClients(fd.get());
  for (const int sibling : siblings) polyserve::RefuseNewClients(sibling);
}

ServerContext ContextOfWorker(const ServerContext& server, int slot, std::vector<Listener> listeners) {
  // The connection limit is shared, not copied: it holds for all workers together.
  return {.listeners = std::move(listeners),
          .idle_timeout = server.idle_timeout,
          .statistics = server.statistics.OfWorker(slot),
          .connection_limit = server.connection_limit,
          .listen = server.listen,
          .reload = server.reload,
          .least_rate = server.least_rate,
          .request_times = server.request_times};
}

// A Listener cannot be copied, since it owns its descriptor. Everything else is the same.
ServerContext ContextOfThread(const ServerContext& server, int slot) {
  std::vector<Listener> listeners;
  for (const Listener& listener : server.listeners) {
    listeners.push_back(listener.CopyWith(UniqueFd()));
  }
  return ContextOfWorker(server, slot, std::move(listeners));
}

void CountLostClients(int64_t children, ServerContext& context) {
  // Clients that ended in good order are counted already, so this is zero after an orderly end. It may be negative for
  // a moment: a child counts its client's end before the parent learns of its own.
  const int64_t lost = context.statistics.Total().active() - children;
  if (lost > 0) Counters::Add(context.statistics.counters().ended, lost);
  // Not Release(), which the child may have begun and not finished when it was killed.
  if (context.connection_limit != nullptr) context.connection_limit->WakeAll();
}

bool TakesDatagrams(const ServerContext& context) {
  return std::any_of(context.listeners.begin(), context.listeners.end(),
                     [](const Listener& listener) { return listener.has_datagrams(); });
}

std::vector<Endpoint> UdpEndpoints(const ServerContext& context) {
  std::vector<Endpoint> endpoints;
  for (const Listener& listener : context.listeners) {
    // In a program image the listeners have no descriptors.
    if (!listener.has_datagrams() || !listener.fd.ok()) continue;
    const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener.fd.get());
    if (at.ok()) endpoints.push_back(*at);
  }
  return endpoints;
}

// Called by a thread that has learned of the signal through a descriptor, never by the handler: that may neither write
// to the log nor open files (signal-safety(7)).
void AnswerCommonSignals(unsigned events, const ServerContext& context) {
  context.on_signals(events);
  if ((events & Signals::kReport) != 0) LOG(INFO) << "statistics: " << context.statistics.ToString();
  if ((events & Signals::kReload) != 0) {
    LOG(INFO) << "SIGHUP: reopening the access log, if there is one";
    context.reload();
  }
  if ((events & Signals::kChildEnded) != 0) ReapChildren(context.child_observers);
  // Last: clients whose process has just been reaped are not waited for any more.
  if ((events & Signals::kTick) != 0 && Signals::stopping()) context.log_drain();
}

}  // namespace polyserve
