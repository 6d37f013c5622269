// TerminalGuard: restores the mode of the terminal on every way out: the end of the guard's scope, exit(), abort(), and
// the signals that end or stop the process, except SIGKILL and SIGSTOP, which cannot be caught. After a stop (Ctrl-Z,
// SIGSTOP) it sets the program's own mode again when the program goes on in the foreground.
//
//   found ── SetMode(), NoteMode() ──▶ own mode ── Restore(), the destructor, exit(), a fatal signal ──▶ found
//                                        │   ▲
//                                SIGTSTP │   │ SIGCONT, in the foreground
//                                        ▼   │
//                                    found, stopped
#ifndef POLYSERVE_CLIENT_TERMINAL_H_
#define POLYSERVE_CLIENT_TERMINAL_H_

#include <termios.h>

namespace polyserve {

// At most one object in a process at a time, because terminals and signal handlers belong to the process. Leaves the
// signals of Interrupt alone. Threads: one at a time.
class TerminalGuard {
 public:
  // Saves the mode of the terminal `fd`, which stays the caller's. If it is not a terminal, all methods do nothing.
  explicit TerminalGuard(int fd);
  ~TerminalGuard();
  TerminalGuard(const TerminalGuard&) = delete;
  TerminalGuard& operator=(const TerminalGuard&) = delete;

  bool is_terminal() const { return is_terminal_; }
  // The saved mode. REQUIRES: is_terminal().
  const termios& found() const;

  // Sets a mode, and remembers it for the time after a stop.
  void SetMode(const termios& mode);
  // Remembers the current mode, which a library has set, as SetMode() would.
  void NoteMode();
  // Restores the saved mode for the moment; SetMode() may follow.
  void Restore();

 private:
  bool is_terminal_ = false;
};

// Restores the mode saved by the living guard, if there is one. Async-signal-safe; does not block, not even on output
// that Ctrl-S holds up. For code that ends the process without leaving scopes.
void RestoreTerminal();

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_TERMINAL_H_
