#include "client/interrupt.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/sys_error.h"
#include "client/terminal.h"

namespace polyserve {

namespace {

// Never destroyed, and made before the handlers are installed: they may run until the very end of the process.
// Non-blocking, because the handler writes to it, and a handler that blocks would never return; Clear() may also read
// it while it is empty.
UniqueFd& EventFd() {
  static UniqueFd& fd = *new UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return fd;
}

// The same for the handler: a static local has a guard, which may take a lock, and is not async-signal-safe.
int event_fd = -1;
volatile sig_atomic_t is_pending = 0;
volatile sig_atomic_t is_told_to_end = 0;

// The event makes every poll(2) on the descriptor return, whenever the signal comes; a flag alone would be missed
// between its check and the wait. errno belongs to the code that was interrupted. The exit status is the one that a
// shell shows for a signal.
void OnSignal(int signal) {
  const int error = errno;
  // The program was asked before and has not answered. It may hang in a system call or hold a lock, so only calls that
  // are async-signal-safe are left (signal-safety(7)): no exit(3), no destructors.
  if (is_pending) {
    RestoreTerminal();
    ::_exit(128 + signal);
  }
  is_pending = 1;
  if (signal != SIGINT) is_told_to_end = 1;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(event_fd, &one, sizeof(one));
  errno = error;
}

}  // namespace

absl::Status Interrupt::Install() {
  // The descriptor first: a handler that ran without it would write to -1, and the interrupt would be lost to poll(2).
  if (!EventFd().ok()) return SysError("eventfd");
  event_fd = EventFd().get();
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    // nohup(1) ignores SIGHUP, and a shell without job control ignores SIGINT for its background jobs: both mean it.
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = {};
    // Without SA_RESTART, so that a blocking read fails with EINTR (PlainLines relies on it).
    action.sa_handler = &OnSignal;
    if (::sigaction(signal, &action, nullptr) != 0) return SysError("sigaction");
  }
  return absl::OkStatus();
}

const UniqueFd& Interrupt::fd() { return EventFd(); }

bool Interrupt::pending() { return is_pending != 0; }

bool Interrupt::must_end() { return is_told_to_end != 0; }

void Interrupt::Clear() {
  // In this order: a signal in between finds is_pending set, and ends the process. In the other order its event would
  // be read here, and pending() would be true while fd() is not readable.
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(event_fd, &count, sizeof(count));
  is_pending = 0;
}

}  // namespace polyserve
