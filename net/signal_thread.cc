#include "net/signal_thread.h"

#include <pthread.h>
#include <signal.h>

#include "absl/status/status.h"
#include "base/thread.h"
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

// The signals are blocked here, for this thread and those that inherit its mask, before there is a thread that takes
// them: one that comes in between stays pending. If there is no thread, they stay with the handlers.
absl::StatusOr<std::unique_ptr<SignalThread>> SignalThread::Start(Answer answer) {
  std::unique_ptr<SignalThread> self(new SignalThread(std::move(answer)));
  sigset_t answered, before;
  ::sigemptyset(&answered);
  for (const auto& each : kAnswered) ::sigaddset(&answered, each.signal);
  ::pthread_sigmask(SIG_BLOCK, &answered, &before);
  absl::StatusOr<std::thread> thread = StartThreadWithoutSignals([self = self.get()] { self->Run(); });
  if (!thread.ok()) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread.status();
  }
  self->thread_ = *std::move(thread);
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
