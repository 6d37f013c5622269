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

// Never destroyed, and made before the handlers are: they may run until the very end.
UniqueFd& EventFd() {
  static UniqueFd& fd = *new UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return fd;
}

int event_fd = -1;  // The same for the handler, which must not enter a function that may take a lock.
volatile sig_atomic_t is_pending = 0;
volatile sig_atomic_t is_told_to_end = 0;

void OnSignal(int signal) {
  const int error = errno;
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
  if (!EventFd().ok()) return SysError("eventfd");
  event_fd = EventFd().get();
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = &OnSignal;
    if (::sigaction(signal, &action, nullptr) != 0) return SysError("sigaction");
  }
  return absl::OkStatus();
}

const UniqueFd& Interrupt::fd() { return EventFd(); }

bool Interrupt::pending() { return is_pending != 0; }

bool Interrupt::must_end() { return is_told_to_end != 0; }

void Interrupt::Clear() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(event_fd, &count, sizeof(count));
  is_pending = 0;
}

}  // namespace polyserve
