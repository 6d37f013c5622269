#include "backends/serve_context.h"

#include <algorithm>

#include "glog/logging.h"
#include "net/signals.h"

namespace polyserve {

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
