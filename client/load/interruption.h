// Interruption: Ctrl-C or SIGTERM ends the run early, and the report shows what was measured so far. A second signal
// ends the program at once, for a user who does not want to wait for outstanding replies.
#ifndef POLYSERVE_CLIENT_LOAD_INTERRUPTION_H_
#define POLYSERVE_CLIENT_LOAD_INTERRUPTION_H_

#include <atomic>

namespace polyserve {

// Process-wide, because signals are. The handler only sets a flag; the threads of the run look at it ten times a second
// (LoadThread::IsOver). Threads: any, after Install().
class Interruption {
 public:
  // Installs the handlers; a signal that is ignored (nohup) stays ignored. Call while there is a single thread.
  static void Install();

  // True from the first signal on. For LoadPlan::interrupted.
  static const std::atomic<bool>& flag();
  // The exit status by which shells report the signal (128 + its number); 0 if there was none.
  static int exit_status();
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_INTERRUPTION_H_
