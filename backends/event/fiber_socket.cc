#include "backends/event/fiber_socket.h"

#include "absl/status/status.h"
#include "backends/poller/poller.h"
#include "base/logging.h"
#include "protocol/output.h"

namespace polyserve {

bool FiberSocket::Readable(Debt debt) {
  debt_ = debt;
  awaits_request_ = true;
  const Wait wait = WatchAndSuspend(Poller::kReadable);
  awaits_request_ = false;
  return wait;
}

bool FiberSocket::Writable() {
  debt_ = Debt::kAcknowledgement;
  return WatchAndSuspend(Poller::kWritable);
}

// The timer is not cancelled when input comes first. It ends a later wait early, and that is allowed.
bool FiberSocket::ReadableUntil(const Deadline& deadline) {
  PauseFor(deadline.Left());
  debt_ = Debt::kNothing;
  return WatchAndSuspend(Poller::kReadable);
}

// The registration with the kernel stays, so that the next wait for input costs no system call.
bool FiberSocket::NextTurn() {
  WaitForTurn();
  return Suspend();
}

// Here, in Asked(), Called() and Result() the socket is not watched: it may be ready all the while, and would then end
// every wait of the loop at once.
bool FiberSocket::After(absl::Duration time) {
  debt_ = Debt::kAcknowledgement;
  PauseFor(time);
  return WatchAndSuspend(0);
}

bool FiberSocket::Asked() {
  debt_ = Debt::kAcknowledgement;
  return WatchAndSuspend(0);
}

bool FiberSocket::Called() {
  debt_ = Debt::kNothing;
  return WatchAndSuspend(0);
}

bool FiberSocket::Result(Output& output) {
  result_ = &output;
  return WatchAndSuspend(0);
}

bool FiberSocket::WatchAndSuspend(uint8_t events) {
  const absl::Status status = Await(events);
  if (status.ok()) return Suspend();
  LOG_FLOOD(WARNING) << "cannot watch a connection, so it is closed: " << status.message();
  is_dropped_ = true;
  return false;
}

// Once the connection is to end there is nothing to wait for, and the loop would not resume the fiber any more.
bool FiberSocket::Suspend() {
  if (!is_dropped_) fiber_.Suspend();
  return !is_dropped_;
}

void FiberSocket::ContinueInput() {
  NoteMove();
  GoOn();
}

// May destroy this. While a helper works only its result ends the wait: the session must not be called before.
void FiberSocket::GoOn() {
  if (has_helper_task() && !TakeResult(*result_)) return;
  fiber_.Resume();
}

// Destroys this, since every wait from now on returns false.
void FiberSocket::Drop() {
  is_dropped_ = true;
  fiber_.Resume();
}

}  // namespace polyserve
