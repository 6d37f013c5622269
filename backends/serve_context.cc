#include "backends/serve_context.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "net/signals.h"

namespace polyserve {

ServeContext ContextOfWorker(const ServeContext& server, int slot, std::vector<Listener> listeners) {
  return {std::move(listeners), server.idle_timeout, server.statistics.OfWorker(slot), server.turnstile, server.listen,
          server.reload,        server.companion};
}

void CountLostClients(int64_t children, ServeContext& context) {
  const int64_t lost = context.statistics.Total().active() - children;
  if (lost > 0) Counters::Add(context.statistics.counters().ended, lost);
  if (context.turnstile != nullptr) context.turnstile->WakeAll();
}

bool TakesDatagrams(const ServeContext& context) {
  return std::any_of(context.listeners.begin(), context.listeners.end(),
                     [](const Listener& listener) { return listener.has_datagrams(); });
}

void AnswerCommonSignals(unsigned events, const ServeContext& context) {
  if ((events & Signals::kReport) != 0) LOG(INFO) << "statistics: " << context.statistics.ToString();
  if ((events & Signals::kReload) != 0) {
    LOG(INFO) << "SIGHUP: the access log, if there is one, is opened anew";
    context.reload();
  }
}

}  // namespace polyserve
