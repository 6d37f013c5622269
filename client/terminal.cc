#include "client/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

namespace polyserve {

namespace {

// The signals that end a process by default (signal(7)), except SIGKILL, real-time signals, and those of Interrupt
// (SIGINT, SIGTERM, SIGHUP). Connection ignores SIGPIPE.
constexpr int kFatal[] = {SIGQUIT, SIGABRT, SIGSEGV,   SIGBUS,  SIGFPE,  SIGILL,  SIGSYS,    SIGTRAP, SIGXCPU,
                          SIGXFSZ, SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGSTKFLT, SIGPOLL, SIGPWR};

// What the handlers see. A handler may run between any two instructions, so it reads a termios only while a flag says
// that it is complete.
volatile sig_atomic_t guarded = -1;     // The terminal's descriptor.
volatile sig_atomic_t is_changed = 0;   // It may be in another mode than the one that was found.
volatile sig_atomic_t is_mode_set = 0;  // set_mode is valid; it is written only while this is 0.
termios found_mode;
termios set_mode;
struct sigaction before[NSIG];  // What was done about a signal before.

// A program in the background must not touch the terminal: it is another program's now, and tcsetattr(3) would stop
// this one with SIGTTOU. tcgetpgrp(3), tcsetattr(3) and getpgrp(2) are async-signal-safe (signal-safety(7)).
bool IsInForeground() {
  const pid_t owner = ::tcgetpgrp(guarded);
  return owner < 0 || owner == ::getpgrp();  // It may be no controlling terminal, and then there is no background.
}

// TCSANOW, not TCSADRAIN: that would wait for output that Ctrl-S may hold up for ever.
void Apply(const termios& mode) {
  if (guarded >= 0 && IsInForeground()) ::tcsetattr(guarded, TCSANOW, &mode);
}

void RememberMode(const termios& mode) {
  is_mode_set = 0;
  set_mode = mode;
  is_changed = 1;  // First: from the next line on, a SIGCONT sets the mode.
  is_mode_set = 1;
}

// Restores the terminal; then happens what would have happened without the handler, with the same exit status, and a
// core if there is to be one. SA_NODEFER lets raise(3) take effect at once.
void OnFatal(int signal) {
  RestoreTerminal();
  ::sigaction(signal, &before[signal], nullptr);
  ::raise(signal);
}

// Ctrl-Z. The default action is put back for a moment, because it is the only one that stops the process as job control
// expects. raise(3) returns when the process goes on; OnContinue() has run by then.
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

// Also after SIGSTOP, which no handler has seen: job-control shells set a mode of their own then. If the process goes
// on in the background ("bg"), Apply() leaves the terminal alone.
void OnContinue(int) {
  const int error = errno;
  if (is_mode_set) Apply(set_mode);
  errno = error;
}

// A signal that is ignored stays ignored: the parent has decided so (nohup, or a shell without job control).
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

// Handlers are installed once in a process, and stay; without a guard they find no terminal.
TerminalGuard::TerminalGuard(int fd) : is_terminal_(::tcgetattr(fd, &found_mode) == 0) {
  if (!is_terminal_) return;
  // A static local is initialized once, whichever guard comes first. Installing again would store our own handlers in
  // before[], and OnFatal() would then call itself.
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

// In the background the terminal has another program's mode, which must not be taken for the own one.
void TerminalGuard::NoteMode() {
  termios mode;
  if (is_terminal_ && IsInForeground() && ::tcgetattr(guarded, &mode) == 0) RememberMode(mode);
}

void TerminalGuard::Restore() {
  if (!is_terminal_) return;
  // Cleared before the terminal gets its mode back: a SIGCONT in between must not set the program's own mode again.
  is_mode_set = 0;
  RestoreTerminal();
  // Cleared after it: a fatal signal in between must still find that there is something to restore.
  is_changed = 0;
}

}  // namespace polyserve
