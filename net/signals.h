// Signals: turns signals into events that a wait on descriptors can see (the self-pipe trick, with an eventfd), and
// keeps the deadline of a stop. Process-wide, since signals are.
//
// A stop: SIGTERM or SIGINT sets stopping() and makes fd() readable; the accepting thread then drains the accept queues
// and returns. A connection without a request under way has a grace: it is closed after its next request, or when the
// grace ends, which is at the same moment for all connections of all processes. From the signal on, a timer interrupts
// the main thread every 50 ms, so that a blocking call entered just after a look at stopping() ends as well. If
// --drain_timeout passes first, the process exits with status 0 from within the handler. A second signal exits at once.
// Meanwhile kTick comes again and again, so that the server can say for whom it waits.
//
// With a notice (--stop_notice), the first signal only says that a stop is coming: a kTick tells the server, StopState
// the others. The stop begins when that time is over, or by a second signal; a third one exits at once.
#ifndef POLYSERVE_NET_SIGNALS_H_
#define POLYSERVE_NET_SIGNALS_H_

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace polyserve {

struct StopSchedule {
  absl::Duration notice = absl::ZeroDuration();  // From the signal until the stop begins.
  absl::Duration drain_timeout = absl::InfiniteDuration();
  absl::Duration grace = absl::Seconds(1);  // Ends after half of the drain time-out at the latest.
};

// How far a stop has come, in memory that all processes of the server share. All false at first.
struct StopState {
  std::atomic<bool> has_notice;    // The first signal will not stop the server.
  std::atomic<bool> is_announced;  // The server was told to stop, and does, or will.
  std::atomic<bool> is_replaced;   // By another server, which is ready at the same addresses.
  std::atomic<bool> has_begun;
};

class Signals {
 public:
  // How often a process or thread that has to notice something is interrupted until it has: an interrupt just before it
  // enters a blocking call has no effect. Short beside any grace, and cheap for 64 workers.
  static constexpr int kMillisecondsBetweenInterrupts = 50;

  enum Event : unsigned {
    kStop = 1,        // SIGTERM, SIGINT
    kReload = 2,      // SIGHUP
    kReport = 4,      // SIGUSR1
    kChildEnded = 8,  // SIGCHLD; also set once at the start.
    kTick = 16,     // 50 ms after a stop began, then 0.5 s, 1 s, 2 s, ... later; before a stop, when its notice begins,
                    // and see StartTicks().
    kUpgrade = 32,  // SIGUSR2
  };

  // Installs the handlers of the server's main process, whatever its parent has blocked or ignored. Call once, before
  // there are threads or children. From then on SIGPIPE and SIGXFSZ are ignored: the write that fails reports a closed
  // connection or a file that is too large.
  static absl::Status Install();
  // The times of StopSchedule{} hold unless this is called, which sets all but the notice; a fresh program image has to
  // call it as well. `state` must live until LeaveStopState().
  static void SetStopSchedule(const StopSchedule& times, StopState* state);
  // The handlers, which may run as long as there is a process, look at the shared memory no more.
  static void LeaveStopState();
  // From now on a stop has this notice; before that, there is none. For a server that is ready: earlier, no client
  // would miss it. After Install() and SetStopSchedule(), once. Fails if the system has no timer left.
  static absl::Status SetNotice(absl::Duration notice);
  // Another server is ready: the stop that follows has no notice.
  static void DropNotice();

  // Has kTick come at this interval, at least a millisecond, from now on; while the server stops, at least as often.
  // For a watchdog. After Install(), once.
  static void StartTicks(absl::Duration interval);

  // What SIGTERM and SIGINT do to a worker process. A Ctrl-C reaches the whole process group.
  enum class StopSignals {
    kAskToFinish,  // However often they arrive, unless the server has a notice and has not begun to stop; the parent
                   // asks as well, and enforces the deadlines.
    kIgnored,      // The parent asks in another way (net/lifeline.h), and decides when.
  };
  // Call first thing in a worker process, in place of Install(). Signals that arrived since the process was created
  // were held back, and take effect now.
  static void InstallInWorker(StopSignals stop_signals = StopSignals::kAskToFinish);

  // The signals to block while creating a process, until the child calls InstallInWorker(): the parent's handlers would
  // take the child for the parent, and a fresh program image would be killed by them.
  static sigset_t HeldInNewProcess();

  // Call first thing in every thread but the main one: leaves the signals to the main thread, which takes them
  // promptly.
  static void LeaveToMainThread();

  // The signals that the process sends itself for kTick, and to its threads for Interrupt(). Their default is to do
  // nothing (signal(7)), so they harm no process that has no handler for them. SIGWINCH may also come from the
  // terminal, and then is one interrupt more.
  static constexpr int kTickSignal = SIGURG;
  static constexpr int kInterruptSignal = SIGWINCH;

  // True once the server stops. Any thread; cheap.
  static bool stopping();
  // The same, or the notice of a stop is under way. In the server's main process only.
  static bool will_stop();
  // Asks this process to finish, as SIGTERM would in a worker. `grace_end`: the grace_end() of the parent process if
  // that is stopping already; 0: the grace begins now. Async-signal-safe.
  static void RequestStop(int64_t grace_end = 0);

  // Begins the grace anew, while the server stops: for a client that it has taken since.
  static void RenewGrace();

  // The end of the grace.
  static bool grace_over();           // False until the server stops.
  static absl::Duration GraceLeft();  // While the server stops.
  static int64_t grace_end();         // For RequestStop() in another process; 0 until the server stops.

  // What --drain_timeout leaves; infinite if there is none. In the server's main process, while it stops.
  static absl::Duration DrainLeft();

  // Readable while Take() would return events. In the server's main process only.
  static int fd();
  // The events since the last call, as a set of bits; makes fd() unreadable.
  static unsigned Take();

  // Interrupts a thread's blocking call (EINTR). The thread may be just about to enter the call and then does not
  // notice: repeat it until the thread has answered.
  static void Interrupt(pthread_t thread);
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_SIGNALS_H_
