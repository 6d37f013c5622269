#include "client/load/interruption.h"

#include <signal.h>
#include <unistd.h>

namespace polyserve {

namespace {

std::atomic<bool> is_interrupted = false;  // Without a lock, so that a handler may set it.
std::atomic<int> first_signal = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void OnSignal(int signal) {
  if (is_interrupted.exchange(true)) ::_exit(128 + signal);
  first_signal = signal;
}

}  // namespace

void Interruption::Install() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action = {};
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = &OnSignal;
    ::sigaction(signal, &action, nullptr);
  }
}

const std::atomic<bool>& Interruption::flag() { return is_interrupted; }

int Interruption::exit_status() { return first_signal == 0 ? 0 : 128 + first_signal; }

}  // namespace polyserve
