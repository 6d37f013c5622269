// Signals: what signals ask of the server, in a form that a wait on descriptors can see (the self-pipe trick, with an
// eventfd), and the deadline of stopping. Process-wide, since signals are.
//
// How a stop goes: SIGTERM or SIGINT sets stopping() and makes fd() readable; whoever accepts then drains the backlog
// and returns. A connection that has no request under way has a grace: it is closed after its next request, or when the
// grace is over, which is at the same moment for all connections of all processes. From the signal on, a timer
// interrupts the main thread every 50 ms (a call that was entered just after stopping() was asked thus ends as well).
// If
// --drain_timeout passes first, the process exits with status 0 from within the handler. A second signal exits at once.
#ifndef POLYSERVE_NET_SIGNALS_H_
#define POLYSERVE_NET_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace polyserve {

class Signals {
 public:
  // How often a process or thread that is to notice something is interrupted until it has: it may be just about to
  // enter the call that is to be interrupted. Short beside any grace, and cheap for 64 workers.
  static constexpr int kMillisecondsBetweenInterrupts = 50;

  enum Event : unsigned {
    kStop = 1,        // SIGTERM, SIGINT
    kReload = 2,      // SIGHUP
    kReport = 4,      // SIGUSR1
    kChildEnded = 8,  // SIGCHLD; also told once at the start.
  };

  // Installs the handlers of the server's main process, whatever its parent has blocked or ignored. Call once, before
  // there are threads or children. SIGPIPE and SIGXFSZ are ignored from then on: that a peer has gone, or a file is too
  // large, is told by the write that fails.
  static absl::Status Install();
  // --drain_timeout, for ever unless this is called, and --stop_grace, a second unless this is called; the grace ends
  // after half of the drain time-out at the latest. In a fresh program image as well.
  static void SetStopTimes(absl::Duration drain_timeout, absl::Duration grace);

  // Replaces them in a worker process, first thing: SIGTERM and SIGINT ask it to finish, however often they come (a
  // Ctrl-C reaches the whole group, and the parent asks too); its parent answers for all deadlines. Those that came
  // since the process was made were held back, and are delivered now.
  static void InstallInWorker();

  // The signals that whoever makes a process blocks meanwhile, until the child calls InstallInWorker(): its parent's
  // handlers would take it for the parent, and a fresh program image would die of them.
  static sigset_t HeldInNewProcess();

  // In a thread that is not the main one, first thing: leaves the signals to that one, which is never long away from
  // them.
  static void LeaveToMainThread();

  // True once the server was told to stop. Any thread; cheap.
  static bool stopping();
  // Asks this process to finish, as SIGTERM would in a worker. `grace_end` is that of the process that has made this
  // one, if that was stopping already; 0: the grace begins now. Async-signal-safe.
  static void RequestStop(int64_t grace_end = 0);

  // The end of the grace.
  static bool grace_over();           // False until the server stops.
  static absl::Duration GraceLeft();  // While the server stops.
  static int64_t grace_end();         // For RequestStop() in another process; 0 until the server stops.

  // Readable while events wait to be taken. The server's main process only.
  static int fd();
  // The events since the last call, as a set of bits; makes fd() unreadable.
  static unsigned Take();

  // Interrupts a thread's blocking call (EINTR). The thread may be just about to enter the call and then does not
  // notice: repeat it until the thread has answered.
  static void Interrupt(pthread_t thread);
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_SIGNALS_H_
