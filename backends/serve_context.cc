#include "backends/serve_context.h"

#include "glog/logging.h"
#include "net/signals.h"

namespace polyserve {

void AnswerCommonSignals(unsigned events, const ServeContext& context) {
  if ((events & Signals::kReport) != 0) LOG(INFO) << "statistics: " << context.statistics.ToString();
  if ((events & Signals::kReload) != 0) LOG(INFO) << "SIGHUP: the log goes to standard error; nothing to reopen";
}

}  // namespace polyserve
