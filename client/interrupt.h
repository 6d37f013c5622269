// Interrupt: the user's Ctrl-C as a readable descriptor, so that poll(2) sees it. It cancels the running transfer,
// which cleans up; the program itself continues. Process-wide, because signals are.
//
//   quiet ── SIGINT, SIGTERM, SIGHUP ──▶ pending: fd() is readable ── Clear() ──▶ quiet
//                                             └── a second signal: the process exits at once
#ifndef POLYSERVE_CLIENT_INTERRUPT_H_
#define POLYSERVE_CLIENT_INTERRUPT_H_

#include "absl/status/status.h"
#include "base/unique_fd.h"

namespace polyserve {

// Threads: any, after Install().
class Interrupt {
 public:
  // Installs handlers for SIGINT, SIGTERM and SIGHUP; a signal that is ignored (nohup) stays ignored. Blocking calls
  // then fail with EINTR. If a second signal arrives before the first is cleared, the program must hang somewhere: the
  // handler restores the terminal and exits at once. Call once, before there are threads.
  static absl::Status Install();

  // Readable from a signal to Clear(). For ConnectionOptions::cancel. Lives as long as the process; not owned.
  static const UniqueFd& fd();

  // True from a signal to Clear().
  static bool pending();
  // True for good after SIGTERM or SIGHUP, which end the program; SIGINT only cancels the current command.
  static bool must_end();
  // Resets pending() and fd(), once the interrupt has been handled.
  static void Clear();
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_INTERRUPT_H_
