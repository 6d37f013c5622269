#include "net/signals.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "base/inherited_signals.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/deadline.h"

namespace polyserve {

namespace {

// How long a stopping server waits for a request on a connection without one.
constexpr int64_t kDefaultGraceMicroseconds = 1'000'000;
// As kForEver, which cannot be converted at compile time; a handler must not meet a variable that is not initialised
// yet.
constexpr int64_t kMaxDrainMicroseconds = int64_t{100} * 365 * 24 * 3600 * 1'000'000;

// State that the handlers share. Lock-free atomics are what a handler may touch (signal-safety(7), [support.signal]).
std::atomic<bool> g_was_told{false};  // To stop, by a signal, after the notice if there is one.
std::atomic<bool> g_stopping{false};  // Set last, when the end of the grace is known.
std::atomic<int64_t> g_grace_microseconds{kDefaultGraceMicroseconds};
std::atomic<int64_t> g_grace_end{0};  // In microseconds of CLOCK_MONOTONIC.
std::atomic<unsigned> g_events{0};
std::atomic<int> g_event_fd{-1};
std::atomic<int64_t> g_drain_microseconds{kMaxDrainMicroseconds};
std::atomic<int64_t> g_drain_deadline{0};  // In microseconds of CLOCK_MONOTONIC.
static_assert(std::atomic<int64_t>::is_always_lock_free);
std::atomic<int64_t> g_notice_microseconds{0};
std::atomic<int64_t> g_notice_end{0};  // In microseconds of CLOCK_MONOTONIC; 0: no notice is under way.
timer_t g_notice_timer;                // Sends SIGALRM at that time.
StopState g_unshared_state{};
std::atomic<StopState*> g_state{&g_unshared_state};

// How soon kTick comes again during a stop: at first within the usual grace, then less and less often, so that a stop
// of hours does not fill a log.
constexpr int64_t kFirstTickMicroseconds = 500'000;
constexpr int64_t kLongestTickMicroseconds = 10'000'000;
std::atomic<int64_t> g_next_tick{0};  // In microseconds of CLOCK_MONOTONIC.
std::atomic<int64_t> g_tick_pause{kFirstTickMicroseconds};
std::atomic<int64_t> g_longest_tick_pause{kLongestTickMicroseconds};

constexpr suseconds_t kNudgeMicroseconds = Signals::kMillisecondsBetweenInterrupts * 1000;

// Also called by handlers: clock_gettime(2) is async-signal-safe, std::chrono and absl::Now() promise nothing.
int64_t MonotonicMicroseconds() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

int64_t Microseconds(absl::Duration time) { return absl::ToInt64Microseconds(std::min(time, kForEver)); }

// The event is set before the eventfd becomes readable, and Take() reads the eventfd before it takes the events: so an
// event that comes in between makes the descriptor readable once more, and none is lost.
void Tell(unsigned event) {
  const int saved_errno = errno;  // The interrupted code may be about to read it.
  g_events.fetch_or(event);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(g_event_fd.load(), &one, sizeof(one));
  errno = saved_errno;
}

// A signal rather than Tell() alone: if a SignalThread answers it, the main thread may be busy with a client. kill(2)
// is async-signal-safe.
void SendTick() {
  const int saved_errno = errno;
  ::kill(::getpid(), Signals::kTickSignal);
  errno = saved_errno;
}

// timer_settime(2) is async-signal-safe. False: there is no notice, or it has begun before.
bool BeginNotice() {
  const int64_t notice = g_notice_microseconds;
  int64_t none = 0;
  if (notice == 0 || g_was_told) return false;
  if (!g_notice_end.compare_exchange_strong(none, MonotonicMicroseconds() + notice)) return false;
  itimerspec end = {};
  end.it_value.tv_sec = notice / 1'000'000;
  end.it_value.tv_nsec = notice % 1'000'000 * 1000;
  ::timer_settime(g_notice_timer, 0, &end, nullptr);
  SendTick();
  return true;
}

// The timer goes on until the process has ended: a thread may block again after any nudge. Children do not inherit it
// (setitimer(2)), so models that have some nudge those themselves. False: it has begun before.
bool BeginStop() {
  if (g_was_told.exchange(true)) return false;
  g_state.load()->has_begun = true;
  g_drain_deadline = MonotonicMicroseconds() + g_drain_microseconds;
  Signals::RequestStop();
  const itimerval nudges = {{0, kNudgeMicroseconds}, {0, kNudgeMicroseconds}};
  ::setitimer(ITIMER_REAL, &nudges, nullptr);
  Tell(Signals::kStop);
  return true;
}

// The status of a signal during the stop is that of a process which the signal has killed, as a shell reports it.
void OnStop(int signal) {
  g_state.load()->is_announced = true;
  if (!BeginNotice() && !BeginStop()) ::_exit(128 + signal);
}

void TickWhileStopping(int64_t now) {
  if (now < g_next_tick) return;
  const int64_t pause = g_tick_pause;
  g_next_tick = now + pause;
  g_tick_pause = std::min<int64_t>(2 * pause, g_longest_tick_pause);
  SendTick();
}

// The call of the handler is the nudge: it ends the main thread's blocking call. Past the deadline the process ends
// from here, whatever its threads are doing; only async-signal-safe calls are allowed, so neither LOG nor exit(3).
void OnNudge(int) {
  const int64_t now = MonotonicMicroseconds();
  if (!g_stopping) {
    if (g_notice_end == 0 || now < g_notice_end) return SendTick();  // The timer of StartTicks().
    BeginStop();
    return;
  }
  if (now < g_drain_deadline) return TickWhileStopping(now);
  LogInHandler("--drain_timeout has passed; what was still running is cut off");
  ::_exit(0);
}

// A Ctrl-C, or a kill(2) of the whole group, is meant for the server. If that has a notice, the signal stops no worker
// before the stop has begun.
bool SignalStopsWorkers() {
  const StopState& state = *g_state.load();
  return !state.has_notice || state.has_begun;
}

void OnStopInWorker(int) {
  if (SignalStopsWorkers()) Signals::RequestStop();
}
void OnReload(int) { Tell(Signals::kReload); }
void OnReport(int) { Tell(Signals::kReport); }
void OnTick(int) { Tell(Signals::kTick); }
void OnUpgrade(int) { Tell(Signals::kUpgrade); }
void OnChildEnded(int) { Tell(Signals::kChildEnded); }
void OnInterrupt(int) {}

// sa_mask stays empty, so one handler may interrupt another. What they share is atomic, and is set in an order that
// leaves it consistent after each step.
void Handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  // No SA_RESTART: a signal has to end the blocking call that it finds.
  action.sa_flags = SA_NOCLDSTOP;  // SIGCHLD for the end of a child only, not for its stops.
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

// The handlers come before the signals are unblocked: a SIGTERM that the parent had blocked, and that is pending, would
// kill the process by its default effect.
absl::Status Signals::Install() {
  g_event_fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (g_event_fd < 0) return SysError("eventfd");
  // All of them, since exec() hands on what the parent has ignored; the two that are to be ignored follow.
  for (int signal = 1; signal < NSIG; ++signal) StopIgnoring(signal);
  Handle(SIGPIPE, SIG_IGN);
  Handle(SIGXFSZ, SIG_IGN);
  Handle(SIGTERM, &OnStop);
  Handle(SIGINT, &OnStop);
  Handle(SIGALRM, &OnNudge);
  Handle(SIGHUP, &OnReload);
  Handle(SIGUSR1, &OnReport);
  Handle(SIGUSR2, &OnUpgrade);
  Handle(kTickSignal, &OnTick);
  Handle(kInterruptSignal, &OnInterrupt);
  Handle(SIGCHLD, &OnChildEnded);
  Tell(kChildEnded);  // One that this process had before may have ended already.
  UnblockAllSignals();
  return absl::OkStatus();
}

void Signals::SetStopSchedule(const StopSchedule& times, StopState* state) {
  g_drain_microseconds = Microseconds(times.drain_timeout);
  // Half of it, so that the grace is surely over before everything is.
  g_grace_microseconds = std::min(Microseconds(times.grace), g_drain_microseconds.load() / 2);
  g_state = state;
}

void Signals::LeaveStopState() { g_state = &g_unshared_state; }

// The handler may run as soon as there is a notice, so that comes last.
absl::Status Signals::SetNotice(absl::Duration notice) {
  if (notice == absl::ZeroDuration()) return absl::OkStatus();
  sigevent end = {};
  end.sigev_notify = SIGEV_SIGNAL;
  end.sigev_signo = SIGALRM;
  if (::timer_create(CLOCK_MONOTONIC, &end, &g_notice_timer) != 0) return SysError("timer_create");
  g_state.load()->has_notice = true;
  g_notice_microseconds = Microseconds(notice);
  return absl::OkStatus();
}

void Signals::DropNotice() {
  g_notice_microseconds = 0;
  g_state.load()->has_notice = false;
  g_state.load()->is_replaced = true;
}

// The timer that nudges a stop, too: OnStop() sets it anew. Forked children do not inherit it.
void Signals::StartTicks(absl::Duration interval) {
  const int64_t microseconds = absl::ToInt64Microseconds(interval);
  g_longest_tick_pause = std::min(microseconds, kLongestTickMicroseconds);
  g_tick_pause = std::min(microseconds, kFirstTickMicroseconds);
  const timeval pause = absl::ToTimeval(interval);
  const itimerval ticks = {pause, pause};
  ::setitimer(ITIMER_REAL, &ticks, nullptr);
}

void Signals::InstallInWorker(StopSignals stop_signals) {
  Handle(SIGPIPE, SIG_IGN);
  Handle(SIGXFSZ, SIG_IGN);
  // Also drops one that is pending, if they are ignored (sigaction(2)).
  for (const int signal : {SIGTERM, SIGINT}) {
    Handle(signal, stop_signals == StopSignals::kIgnored ? SIG_IGN : &OnStopInWorker);
  }
  Handle(SIGHUP, SIG_IGN);  // Sent to the whole group, but meant for the server.
  Handle(SIGUSR1, SIG_IGN);
  Handle(SIGUSR2, SIG_IGN);
  Handle(kTickSignal, SIG_IGN);
  // A forked child inherits the handlers, and shares the eventfd: the parent's handler, run here, would wake the
  // parent.
  Handle(SIGCHLD, SIG_DFL);
  UnblockAllSignals();
}

void Signals::LeaveToMainThread() {
  const sigset_t left = HeldInNewProcess();
  ::pthread_sigmask(SIG_BLOCK, &left, nullptr);
}

sigset_t Signals::HeldInNewProcess() {
  // Not SIGCHLD or SIGALRM: a new process has no children yet, and timers are not inherited (setitimer(2)).
  sigset_t held;
  ::sigemptyset(&held);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&held, signal);
  return held;
}

bool Signals::stopping() { return g_stopping.load(std::memory_order_acquire); }

bool Signals::will_stop() { return stopping() || g_notice_end != 0; }

// The end of the grace is set first: a thread that sees g_stopping also sees when the grace ends. Two calls at once
// both set it, to nearly the same time.
void Signals::RequestStop(int64_t grace_end) {
  // The first request counts: a later one must not prolong the grace.
  if (g_stopping) return;
  g_grace_end = grace_end != 0 ? grace_end : MonotonicMicroseconds() + g_grace_microseconds;
  g_stopping = true;
}

void Signals::RenewGrace() {
  if (g_stopping) g_grace_end = MonotonicMicroseconds() + g_grace_microseconds;
}

int64_t Signals::grace_end() { return stopping() ? g_grace_end.load() : 0; }

bool Signals::grace_over() { return stopping() && MonotonicMicroseconds() >= g_grace_end; }

absl::Duration Signals::GraceLeft() {
  return absl::Microseconds(std::max<int64_t>(g_grace_end - MonotonicMicroseconds(), 0));
}

absl::Duration Signals::DrainLeft() {
  if (g_drain_microseconds == kMaxDrainMicroseconds) return absl::InfiniteDuration();
  return absl::Microseconds(std::max<int64_t>(g_drain_deadline - MonotonicMicroseconds(), 0));
}

int Signals::fd() { return g_event_fd; }

// A read resets the counter of an eventfd to zero (eventfd(2)); it fails with EAGAIN if there was none.
unsigned Signals::Take() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(g_event_fd, &count, sizeof(count));
  return g_events.exchange(0);
}

// The handler does nothing, but without SA_RESTART the call that it interrupts fails with EINTR.
void Signals::Interrupt(pthread_t thread) { ::pthread_kill(thread, kInterruptSignal); }

}  // namespace polyserve
