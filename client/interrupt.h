// Interrupt: the user's Ctrl-C, in a form that a wait on descriptors can see. It asks the transfer that is running to
// stop and to clean up; the program goes on. Process-wide, since signals are.
#ifndef POLYSERVE_CLIENT_INTERRUPT_H_
#define POLYSERVE_CLIENT_INTERRUPT_H_

#include "absl/status/status.h"
#include "base/unique_fd.h"

namespace polyserve {

class Interrupt {
 public:
  // Installs handlers for SIGINT, SIGTERM and SIGHUP; one that is ignored (nohup) stays so. Calls that block then fail
  // with EINTR. If a second signal comes before the first was cleared, the program hangs somewhere: it puts the
  // terminal back in its mode and exits at once. Call once, before there are threads.
  static absl::Status Install();

  // Readable from a signal to Clear(). For ConnectionOptions::cancel; lives as long as the process.
  static const UniqueFd& fd();

  // True from a signal to Clear().
  static bool pending();
  // True for good once the program was told to end (SIGTERM, SIGHUP), not merely to stop what it does (SIGINT).
  static bool must_end();
  // The interrupt has been heeded.
  static void Clear();
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_INTERRUPT_H_
