// FiberSocket: a socket of an event loop on which one fiber can wait. What AwaitableSocket is for coroutines: the same
// waits, but plain calls, which return when the wait is over.
//
//   Fiber::Run(stack_bytes, [&](Fiber& self) {
//     FiberSocket socket(std::move(fd), shared, service, self);
//     while (socket.Readable()) {
//       const ssize_t count = ::recv(socket.fd(), ...);
//
// It is a local of what runs in the fiber. If the loop wants the connection to end (the peer is silent or too slow, the
// socket cannot be watched, or the loop itself ends), the wait returns false, and so does every later one, at once:
// what runs in the fiber has to return, and so to destroy this object.
//
//   fiber                                       loop
//   Readable() ─▶ watches the socket, suspends ─▶ goes on with other clients, waits
//   returns true ◀────────── Resume() ─────────── OnEvents(): the socket is readable
#ifndef POLYSERVE_BACKENDS_EVENT_FIBER_SOCKET_H_
#define POLYSERVE_BACKENDS_EVENT_FIBER_SOCKET_H_

#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "backends/event/event_client.h"
#include "backends/event/fiber.h"
#include "base/unique_fd.h"
#include "net/deadline.h"

namespace polyserve {

class FiberSocket : public EventClient {
 public:
  // False: the connection is to end.
  using Wait = bool;

  // Takes over the descriptor, which must be non-blocking. Counts for this service. Not watched yet. The fiber is the
  // one that calls.
  FiberSocket(UniqueFd fd, EventShared& shared, int service, Fiber& fiber)
      : EventClient(std::move(fd), shared, service), fiber_(fiber) {}
  ~FiberSocket() override = default;

  int fd() const { return fd_.get(); }
  Counters& counters() const { return counters_; }

  // What can be waited for. Each wait may end early, as one for a condition variable does (the server stops, or mail
  // has come, for example): look again, and wait again. The socket remains registered with the kernel until something
  // else is waited for, so that waiting for the same again costs no system call.
  [[nodiscard]] Wait Readable(Debt debt = Debt::kNothing);     // With what the peer owes meanwhile.
  [[nodiscard]] Wait Writable();                               // The peer owes acknowledgements meanwhile.
  [[nodiscard]] Wait ReadableUntil(const Deadline& deadline);  // For what is discarded: it never waits in line.
  [[nodiscard]] Wait NextTurn();                               // After the other clients' turn.
  [[nodiscard]] Wait After(absl::Duration time);               // With the socket not watched.
  [[nodiscard]] Wait Asked();                                  // For what GoOnAsking() waits for.
  [[nodiscard]] Wait Called();                                 // For mail, the timer or the stop, likewise.
  [[nodiscard]] Wait NoWait() const { return !is_dropped_; }

  // Waits for the result of RunByHelper() or ReadByHelper(), and moves it into the output. Does not end early.
  [[nodiscard]] Wait Result(Output& output);

  // Ends a wait after this time, and TakeWake() is true then, once. A later call replaces this one.
  using EventClient::SetTimer;
  bool TakeWake() { return std::exchange(is_woken_, false); }
  // Whether the socket has been ready since the last call. If not, a wait for it has ended for another reason.
  bool TakeEvent() { return std::exchange(has_event_, false); }
  // Something has moved, other than what was waited for, as in AwaitableSocket.
  using EventClient::GoOnAsking;
  using EventClient::has_helper_task;
  using EventClient::has_helpers;
  using EventClient::lent;
  using EventClient::NoteMove;
  using EventClient::ReadByHelper;
  using EventClient::RunByHelper;
  using EventClient::timed;
  using EventClient::WatchMail;

 private:
  // The loop's calls. Each may resume the fiber, which may return and so destroy this object: it must be the last thing
  // that a call does.
  Debt debt() const override { return debt_; }
  void OnEvents(uint8_t) override {
    has_event_ = true;
    if (!awaits_request_ || !WaitInLine()) ContinueInput();
  }
  void OnTurn() override { ContinueInput(); }
  void OnPauseOver() override { GoOn(); }
  void OnTimer() override {
    is_woken_ = true;
    if (!waits_for_turn()) GoOn();
  }
  void OnStop() override { ContinueInput(); }
  void OnReady() override { ContinueInput(); }
  void Drop() override;

  Wait Suspend();
  Wait WatchAndSuspend(uint8_t events);
  void ContinueInput();
  void GoOn();

  // The small ones first: they have room behind those of EventClient.
  Debt debt_ = Debt::kNothing;  // The peer's, during the present wait.
  bool awaits_request_ : 1 = false;
  bool is_dropped_ : 1 = false;
  bool is_woken_ = false;
  bool has_event_ = false;
  Output* result_ = nullptr;  // Where Result() wants it.
  Fiber& fiber_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_FIBER_SOCKET_H_
