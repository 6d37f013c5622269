// What a program does about signals that its parent has blocked or ignored: exec() hands both on, and parents such as
// a JVM, cron or an old supervisor leave SIGTERM or SIGCHLD that way.
#ifndef POLYSERVE_BASE_INHERITED_SIGNALS_H_
#define POLYSERVE_BASE_INHERITED_SIGNALS_H_

#include <signal.h>

namespace polyserve {

// Gives the signal its default effect again if the parent has ignored it. Leaves handlers alone: they are our own.
inline void StopIgnoring(int signal) {
  struct sigaction action = {};
  if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler != SIG_IGN) return;
  action = {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
}

// Lets all signals through, those that have been waiting included. Call it when their handlers are installed.
inline void UnblockAllSignals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace polyserve

#endif  // POLYSERVE_BASE_INHERITED_SIGNALS_H_
