// Interruption: Ctrl-C, or SIGTERM, as a wish to see what was measured so far. A second one ends the program at once.
#ifndef POLYSERVE_CLIENT_LOAD_INTERRUPTION_H_
#define POLYSERVE_CLIENT_LOAD_INTERRUPTION_H_

#include <atomic>

namespace polyserve {

// Process-wide, since signals are.
class Interruption {
 public:
  // From now on; a signal that is ignored (nohup) stays so. Call it while there is a single thread.
  static void Install();

  // True from the first signal on. For LoadPlan::interrupted.
  static const std::atomic<bool>& flag();
  // The exit status that shells give for the signal; 0 if there was none.
  static int exit_status();
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_INTERRUPTION_H_
