#include "net/signal_thread.h"

#include <pthread.h>
#include <signal.h>

#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "net/signals.h"

namespace polyserve {

namespace {

// The thread has it blocked, so that it stays pending until sigwait(3) takes it: no race between the look at is_ending_
// and the wait, as there is with a signal that interrupts.
constexpr int kEnd = Signals::kInterruptSignal;

constexpr struct {
  int signal;
  unsigned event;
} kAnswered[] = {{SIGHUP, Signals::kReload},
                 {SIGUSR1, Signals::kReport},
                 {SIGUSR2, Signals::kUpgrade},
                 {Signals::kTickSignal, Signals::kTick}};

sigset_t Awaited() {
  sigset_t awaited;
  ::sigemptyset(&awaited);
  for (const auto& answered : kAnswered) ::sigaddset(&awaited, answered.signal);
  ::sigaddset(&awaited, kEnd);
  return awaited;
}

}  // namespace

// A new thread inherits the mask of its creator, so everything is blocked around its creation: with a mask that it set
// itself, a signal could reach it before. If there is no thread, the signals stay with the handlers.
absl::StatusOr<std::unique_ptr<SignalThread>> SignalThread::Start(Answer answer) {
  std::unique_ptr<SignalThread> self(new SignalThread(std::move(answer)));
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // The new thread takes what it waits for, and nothing else.
  absl::Status status;
  try {
    self->thread_ = std::thread(&SignalThread::Run, self.get());
    // Changed only now that there is a thread to take them: this thread, and those that inherit its mask, leave them
    // alone from here on.
    for (const auto& answered : kAnswered) ::sigaddset(&before, answered.signal);
  } catch (const std::system_error& error) {
    status = absl::UnavailableError(absl::StrCat("cannot start a thread: ", error.what()));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!status.ok()) return status;
  return self;
}

// The flag is set before the signal, so the thread sees it however the two events fall.
SignalThread::~SignalThread() {
  if (!thread_.joinable()) return;
  is_ending_ = true;
  Signals::Interrupt(thread_.native_handle());
  thread_.join();
}

void SignalThread::Run() {
  const sigset_t awaited = Awaited();
  while (!is_ending_) {
    int signal = 0;
    // A signal that comes during an answer stays pending, and further ones of its kind are merged with it (signal(7)).
    if (::sigwait(&awaited, &signal) != 0) continue;
    for (const auto& answered : kAnswered) {
      if (signal == answered.signal) answer_(answered.event);
    }
  }
}

}  // namespace polyserve
