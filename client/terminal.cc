#include "client/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

namespace polyserve {

namespace {

// The signals that end a process, except SIGKILL and those of Interrupt (SIGINT, SIGTERM, SIGHUP). Connection ignores
// SIGPIPE.
constexpr int kFatal[] = {SIGQUIT, SIGABRT, SIGSEGV,   SIGBUS,  SIGFPE,  SIGILL,  SIGSYS,    SIGTRAP, SIGXCPU,
                          SIGXFSZ, SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGSTKFLT, SIGPOLL, SIGPWR};

// What the handlers see.
volatile sig_atomic_t guarded = -1;     // The terminal's descriptor.
volatile sig_atomic_t is_changed = 0;   // It may be in another mode than the one that was found.
volatile sig_atomic_t is_mode_set = 0;  // set_mode is valid; it is written only while this is 0.
termios found_mode;
termios set_mode;
struct sigaction before[NSIG];  // What was done about a signal before.

// A program in the background must not touch the terminal: it is another program's now.
bool IsInForeground() {
  const pid_t owner = ::tcgetpgrp(guarded);
  return owner < 0 || owner == ::getpgrp();  // It may be no controlling terminal, and then there is no background.
}

void Apply(const termios& mode) {
  if (guarded >= 0 && IsInForeground()) ::tcsetattr(guarded, TCSANOW, &mode);
}

void RememberMode(const termios& mode) {
  is_mode_set = 0;
  set_mode = mode;
  is_mode_set = 1;
  is_changed = 1;
}

// Then what would have happened without us.
void OnFatal(int signal) {
  RestoreTerminal();
  ::sigaction(signal, &before[signal], nullptr);
  ::raise(signal);
}

void OnStop(int signal) {
  const int error = errno;
  RestoreTerminal();
  struct sigaction by_default = {};
  struct sigaction own = {};
  by_default.sa_handler = SIG_DFL;
  ::sigaction(signal, &by_default, &own);
  ::raise(signal);  // Returns when the process is continued.
  ::sigaction(signal, &own, nullptr);
  errno = error;
}

void OnContinue(int) {
  const int error = errno;
  if (is_mode_set) Apply(set_mode);
  errno = error;
}

void Install(int signal, void (*handler)(int), int flags) {
  if (::sigaction(signal, nullptr, &before[signal]) != 0 || before[signal].sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(signal, &action, nullptr);
}

void InstallAll() {
  for (const int signal : kFatal) Install(signal, &OnFatal, SA_NODEFER);
  Install(SIGTSTP, &OnStop, SA_NODEFER);
  Install(SIGCONT, &OnContinue, 0);  // Without SA_RESTART: it interrupts a wait, so that the program draws again.
  ::atexit(&RestoreTerminal);
}

}  // namespace

void RestoreTerminal() {
  const int error = errno;
  if (is_changed) Apply(found_mode);
  errno = error;
}

TerminalGuard::TerminalGuard(int fd) : is_terminal_(::tcgetattr(fd, &found_mode) == 0) {
  if (!is_terminal_) return;
  [[maybe_unused]] static const bool installed = (InstallAll(), true);
  guarded = fd;
}

TerminalGuard::~TerminalGuard() {
  if (!is_terminal_) return;
  Restore();
  guarded = -1;
}

const termios& TerminalGuard::found() const { return found_mode; }

void TerminalGuard::SetMode(const termios& mode) {
  if (!is_terminal_) return;
  RememberMode(mode);
  Apply(mode);
}

void TerminalGuard::NoteMode() {
  termios mode;
  if (is_terminal_ && IsInForeground() && ::tcgetattr(guarded, &mode) == 0) RememberMode(mode);
}

void TerminalGuard::Restore() {
  if (!is_terminal_) return;
  RestoreTerminal();
  is_mode_set = 0;
  is_changed = 0;
}

}  // namespace polyserve
