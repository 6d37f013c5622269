#include "backends/event/awaitable_socket.h"

#include <utility>

#include "absl/status/status.h"
#include "backends/poller/poller.h"
#include "base/logging.h"

namespace polyserve {

AwaitableSocket::AwaitableSocket(UniqueFd fd, EventShared& shared, int service)
    : EventClient(std::move(fd), shared, service) {}

AwaitableSocket::Wait AwaitableSocket::Readable(Debt debt) {
  debt_ = debt;
  Watch(Poller::kReadable);
  awaits_request_ = true;
  // Watched before the coroutine is suspended, and yet no event can get lost in between: only this thread looks for
  // events, in the loop's next wait.
  return Wait(*this);
}

AwaitableSocket::Wait AwaitableSocket::Writable() {
  debt_ = Debt::kAcknowledgement;
  Watch(Poller::kWritable);
  return Wait(*this);
}

// The timer is not cancelled when input comes first. It ends a later wait early, and that is allowed.
AwaitableSocket::Wait AwaitableSocket::ReadableUntil(const Deadline& deadline) {
  PauseFor(deadline.Left());
  const Wait wait = Readable();
  awaits_request_ = false;
  return wait;
}

AwaitableSocket::Wait AwaitableSocket::NextTurn() {
  // The registration with the kernel stays, so that the next wait for input costs no system call.
  WaitForTurn();
  return Wait(*this);
}

// Here, in Asked(), Called() and Result() the socket is not watched: it may be ready all the while, and would then end
// every wait of the loop at once.
AwaitableSocket::Wait AwaitableSocket::After(absl::Duration time) {
  debt_ = Debt::kAcknowledgement;
  PauseFor(time);
  Watch(0);
  return Wait(*this);
}

AwaitableSocket::Wait AwaitableSocket::Asked() {
  debt_ = Debt::kAcknowledgement;
  Watch(0);
  return Wait(*this);
}

AwaitableSocket::Wait AwaitableSocket::Called() {
  debt_ = Debt::kNothing;
  Watch(0);
  return Wait(*this);
}

AwaitableSocket::Wait AwaitableSocket::Result(Output& output) {
  result_ = &output;
  Watch(0);
  return Wait(*this);
}

// Runs within the coroutine, before it is suspended, and only a suspended coroutine may be destroyed. So a socket that
// cannot be watched is dropped in its next turn.
void AwaitableSocket::Watch(uint8_t events) {
  awaits_request_ = false;
  const absl::Status status = Await(events);
  if (status.ok()) return;
  LOG_FLOOD(WARNING) << "cannot watch a connection, so it is closed: " << status.message();
  unwatchable_ = true;
  WaitForTurn();
}

void AwaitableSocket::ContinueInput() {
  NoteMove();
  GoOn();
}

// May destroy this. While a helper works only its result ends the wait: the session must not be called before.
void AwaitableSocket::GoOn() {
  if (has_helper_task() && !TakeResult(*result_)) return;
  // The coroutine runs on this stack until it waits again or returns; if it returns, this object is gone.
  waiting_.resume();
}

}  // namespace polyserve
