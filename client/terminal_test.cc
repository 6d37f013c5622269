// TerminalGuard, and Interrupt with it, on a terminal of the test's own: whatever ends or stops a program that has
// changed the mode, the mode is as it was.
#include "client/terminal.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <functional>

#include "client/interrupt.h"

namespace polyserve {

namespace {

bool Echoes(int terminal) {
  termios mode = {};
  return ::tcgetattr(terminal, &mode) == 0 && (mode.c_lflag & ECHO) != 0;
}

void SwitchEchoOff(TerminalGuard& guard) {
  termios mode = guard.found();
  mode.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  guard.SetMode(mode);
  if (Echoes(STDIN_FILENO)) ::_exit(99);
}

// Runs the program as a shell would: in a process group of its own, in the foreground of a new terminal. `watch` is the
// shell, which gets the program's process id; what it returns is this one's result.
int OnTerminal(const std::function<void()>& program, const std::function<int(pid_t)>& watch) {
  int terminal = -1;
  const pid_t shell = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (shell == 0) {
    ::signal(SIGTTOU, SIG_IGN);
    const pid_t child = ::fork();
    if (child == 0) {
      ::setpgid(0, 0);
      ::tcsetpgrp(STDIN_FILENO, ::getpid());
      ::signal(SIGTTOU, SIG_DFL);
      program();
      ::_exit(0);
    }
    ::setpgid(child, child);
    ::_exit(watch(child));
  }
  int status = 0;
  ::waitpid(shell, &status, 0);
  ::close(terminal);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// 0 if the terminal echoes when the program has ended.
int AwaitEnd(pid_t program) {
  int status = 0;
  ::waitpid(program, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 99) return 2;
  return Echoes(STDIN_FILENO) ? 0 : 1;
}

TEST(TerminalTest, EverySignalThatEndsLeavesItAsItWas) {
  for (const int signal : {SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGALRM, SIGUSR1,
                           SIGUSR2, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF}) {
    const auto program = [signal] {
      ::signal(signal, SIG_DFL);  // Sanitizers have handlers of their own for some.
      TerminalGuard guard(STDIN_FILENO);
      SwitchEchoOff(guard);
      ::raise(signal);
    };
    const auto watch = [signal](pid_t child) {
      int status = 0;
      ::waitpid(child, &status, 0);
      if (!WIFSIGNALED(status) || WTERMSIG(status) != signal) return 3;  // It ends as it would have without us.
      return Echoes(STDIN_FILENO) ? 0 : 1;
    };
    EXPECT_EQ(OnTerminal(program, watch), 0) << signal;
  }
}

TEST(TerminalTest, SecondInterruptAndExitLeaveItAsItWas) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const auto interrupted_twice = [signal] {
      if (!Interrupt::Install().ok()) ::_exit(99);
      TerminalGuard guard(STDIN_FILENO);
      SwitchEchoOff(guard);
      ::raise(signal);
      ::raise(signal);
      ::pause();
    };
    EXPECT_EQ(OnTerminal(interrupted_twice, &AwaitEnd), 0) << signal;
  }
  const auto exits = [] {
    TerminalGuard guard(STDIN_FILENO);
    SwitchEchoOff(guard);
    ::exit(1);
  };
  EXPECT_EQ(OnTerminal(exits, &AwaitEnd), 0);
}

// The shell has the terminal meanwhile; then the mode is set again.
TEST(TerminalTest, StopGivesItBackAndContinuingTakesItAgain) {
  for (const int signal : {SIGTSTP, SIGSTOP}) {
    const auto program = [signal] {
      TerminalGuard guard(STDIN_FILENO);
      SwitchEchoOff(guard);
      ::raise(signal);
      ::_exit(Echoes(STDIN_FILENO) ? 1 : 42);
    };
    const auto watch = [signal](pid_t child) {
      int status = 0;
      if (::waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status)) return 4;
      ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
      if (signal == SIGTSTP && !Echoes(STDIN_FILENO)) return 5;
      termios mode = {};
      ::tcgetattr(STDIN_FILENO, &mode);
      mode.c_lflag |= ECHO;  // As shells do.
      ::tcsetattr(STDIN_FILENO, TCSANOW, &mode);
      ::tcsetpgrp(STDIN_FILENO, child);
      ::kill(child, SIGCONT);
      ::waitpid(child, &status, 0);
      return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : 6;
    };
    EXPECT_EQ(OnTerminal(program, watch), 0) << signal;
  }
}

// The shell steps through the call, as a debugger does, and continues the program with SIGCONT at the first moment at
// which the terminal is as it was found.
TEST(TerminalTest, ContinuingWhileItIsRestoredTakesItNotAgain) {
  constexpr int kMayNotTrace = 77;
  const auto program = [] {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kMayNotTrace);
    TerminalGuard guard(STDIN_FILENO);
    SwitchEchoOff(guard);
    ::raise(SIGSTOP);
    guard.Restore();
    ::_exit(Echoes(STDIN_FILENO) ? 42 : 1);
  };
  const auto watch = [](pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    while (WIFSTOPPED(status) && !Echoes(STDIN_FILENO)) {
      ::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
      ::waitpid(child, &status, 0);
    }
    if (!WIFSTOPPED(status)) return WIFEXITED(status) && WEXITSTATUS(status) == kMayNotTrace ? kMayNotTrace : 4;
    ::ptrace(PTRACE_CONT, child, nullptr, long{SIGCONT});
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : 5;
  };
  const int result = OnTerminal(program, watch);
  if (result == kMayNotTrace) GTEST_SKIP() << "no process may be traced here";
  EXPECT_EQ(result, 0);
}

TEST(TerminalTest, WhatIsNoTerminalIsLeftAlone) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  TerminalGuard guard(ends[0]);
  EXPECT_FALSE(guard.is_terminal());
  guard.SetMode({});
  RestoreTerminal();
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace

}  // namespace polyserve
