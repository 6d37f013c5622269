// What a program does about signals that its parent has blocked or ignored. exec() hands both on (signal(7)), and
// parents such as a JVM, cron or an old supervisor leave SIGTERM or SIGCHLD that way: then a server could not be
// stopped, or would never learn that a child has ended.
#ifndef POLYSERVE_BASE_INHERITED_SIGNALS_H_
#define POLYSERVE_BASE_INHERITED_SIGNALS_H_

#include <signal.h>

namespace polyserve {

// Gives the signal its default effect again if the parent has ignored it. Leaves handlers alone: they are our own,
// since exec() keeps none. Call it early in main(), before there are threads. For SIGKILL and SIGSTOP, which no program
// can ignore, and for numbers that are no signals, it does nothing, so a loop over all numbers is fine.
inline void StopIgnoring(int signal) {
  struct sigaction action = {};
  if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_IGN) return;
  action = {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
}

// Unblocks all signals in this thread. Those that are pending are delivered at once, so call it only when their
// handlers are installed; threads that are started later inherit the mask. In a single-threaded process this is the
// mask of the process (sigprocmask(2) leaves open what it does with several threads).
inline void UnblockAllSignals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace polyserve

#endif  // POLYSERVE_BASE_INHERITED_SIGNALS_H_
