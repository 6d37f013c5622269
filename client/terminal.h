// TerminalGuard: leaves the terminal as it was found, on every way out: the end of the guard's scope, exit(), any
// signal that ends or stops the process, abort(). (Not SIGKILL, which no program can answer.) After a stop (Ctrl-Z,
// SIGSTOP) the mode that was set is set again as soon as the program is in the foreground.
#ifndef POLYSERVE_CLIENT_TERMINAL_H_
#define POLYSERVE_CLIENT_TERMINAL_H_

#include <termios.h>

namespace polyserve {

// One at a time in a process, since terminals and signals are the process's. Signals that Interrupt answers stay its
// own.
class TerminalGuard {
 public:
  // Notes the mode of the terminal. Does nothing at all if the descriptor is none.
  explicit TerminalGuard(int fd);
  ~TerminalGuard();
  TerminalGuard(const TerminalGuard&) = delete;
  TerminalGuard& operator=(const TerminalGuard&) = delete;

  bool is_terminal() const { return is_terminal_; }
  // The mode that was found.
  const termios& found() const;

  void SetMode(const termios& mode);
  // A library has set the mode that the terminal has now.
  void NoteMode();
  // Back to the mode that was found, for now.
  void Restore();

 private:
  bool is_terminal_ = false;
};

// Puts the terminal back in the mode in which a living guard has found it. Async-signal-safe; does not wait, not even
// for output that Ctrl-S holds up. For whoever ends the process without leaving scopes.
void RestoreTerminal();

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_TERMINAL_H_
