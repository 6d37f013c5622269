#include "client/load/interruption.h"

#include <signal.h>
#include <unistd.h>

namespace polyserve {

namespace {

std::atomic<bool> is_interrupted = false;  // Lock-free, so that a signal handler may set it (signal-safety(7)).
std::atomic<int> first_signal = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

// _exit(2), not exit(3), is async-signal-safe: the second signal may come while the report is being printed.
void OnSignal(int signal) {
  if (is_interrupted.exchange(true)) ::_exit(128 + signal);  // The status by which shells report a signal.
  first_signal = signal;
}

}  // namespace

void Interruption::Install() {
  for (const int signal : {SIGINT, SIGTERM}) {  // nohup and a shell's background jobs ignore some, on purpose.
    struct sigaction action = {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = {};
    // Without SA_RESTART, so that a signal also ends the wait for the next order of --slices: read(2) fails with EINTR,
    // which the stream takes for the end of its input. Without a mask, so that a second signal of the other kind gets
    // through even while the first one is being handled.
    action.sa_handler = &OnSignal;
    ::sigaction(signal, &action, nullptr);
  }
}

const std::atomic<bool>& Interruption::flag() { return is_interrupted; }

int Interruption::exit_status() { return first_signal == 0 ? 0 : 128 + first_signal; }

}  // namespace polyserve
