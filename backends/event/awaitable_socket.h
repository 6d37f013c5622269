// AwaitableSocket: a socket of an event loop on which one coroutine can wait.
//
//   Detached Echo(UniqueFd fd, EventShared& shared) {
//     AwaitableSocket socket(std::move(fd), shared);
//     while (true) {
//       co_await socket.Readable();
//       const ssize_t count = ::recv(socket.fd(), ...);
//
// It is a local of the coroutine, which owns itself (detached_task.h). While it waits, the loop may destroy the
// coroutine, and this with it: if the peer is silent or too slow, if the socket cannot be watched, or if the loop
// itself ends. So whatever the coroutine holds must be released by destructors.
//
// A wait is one co_await of one of the functions below; there is one coroutine, so one wait at a time. Between two
// waits the coroutine runs on the loop's thread, and must not block.
//
//   coroutine                                   loop
//   co_await Readable() ─▶ watches the socket,
//                          stores the handle ─▶ goes on with other clients, waits
//   goes on behind the co_await ◀── resume() ── OnEvents(): the socket is readable
#ifndef POLYSERVE_BACKENDS_EVENT_AWAITABLE_SOCKET_H_
#define POLYSERVE_BACKENDS_EVENT_AWAITABLE_SOCKET_H_

#include <coroutine>
#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "backends/event/event_client.h"
#include "base/unique_fd.h"
#include "net/deadline.h"

namespace polyserve {

class AwaitableSocket : public EventClient {
 public:
  // What co_await takes (an "awaiter"). The function that returns it has arranged for the event already; this only
  // stores the handle of the suspended coroutine, from which control then returns to the loop. If the wait is over from
  // the start, the coroutine is not suspended at all. Does nothing without co_await.
  class [[nodiscard]] Wait {
   public:
    explicit Wait(AwaitableSocket& socket, bool is_over = false) : socket_(socket), is_over_(is_over) {}
    bool await_ready() const { return is_over_; }
    void await_suspend(std::coroutine_handle<> coroutine) { socket_.waiting_ = coroutine; }
    void await_resume() const {}

   private:
    AwaitableSocket& socket_;
    const bool is_over_;
  };

  // Takes over the descriptor, which must be non-blocking. Counts for this service. Not watched yet.
  AwaitableSocket(UniqueFd fd, EventShared& shared, int service = kNoService);
  ~AwaitableSocket() override = default;

  int fd() const { return fd_.get(); }
  Counters& counters() const { return counters_; }

  // What can be waited for. Each wait may end early, as one for a condition variable does (the server stops, or mail
  // has come, for example): look again, and wait again. The socket remains registered with the kernel until something
  // else is waited for, so that waiting for the same again costs no system call. None of them reports an error: if the
  // socket cannot be watched, the coroutine is destroyed in the wait, with a warning.
  Wait Readable(Debt debt = Debt::kNothing);     // With what the peer owes meanwhile: by that its slowness is judged.
  Wait Writable();                               // The peer owes acknowledgements meanwhile.
  Wait ReadableUntil(const Deadline& deadline);  // For what is discarded: it never waits in line.
  Wait NextTurn();                               // After the other clients' turn.
  Wait After(absl::Duration time);               // With the socket not watched.
  Wait Asked();                                  // For what GoOnAsking() waits for.
  Wait Called();                                 // For mail, the timer or the stop, likewise.
  Wait NoWait() { return Wait(*this, /*is_over=*/true); }  // Goes on at once.

  // Waits for the result of RunByHelper() or ReadByHelper(), and moves it into the output. Does not end early.
  Wait Result(Output& output);

  // Ends a wait after this time, and TakeWake() is true then, once. A later call replaces this one.
  using EventClient::SetTimer;
  bool TakeWake() { return std::exchange(is_woken_, false); }
  // Whether the socket has been ready since the last call. If not, a wait for it has ended for another reason.
  bool TakeEvent() { return std::exchange(has_event_, false); }
  // Something has moved, other than what was waited for: the idle time-out begins anew. A wait that ends by an event of
  // the socket notes it by itself.
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
  // The loop's calls. Each may resume the coroutine, which may return and so destroy this object: it must be the last
  // thing that a call does.
  Debt debt() const override { return debt_; }
  void OnEvents(uint8_t) override {
    has_event_ = true;
    if (!awaits_request_ || !WaitInLine()) ContinueInput();
  }
  void OnTurn() override { unwatchable_ ? Drop() : ContinueInput(); }
  void OnPauseOver() override { GoOn(); }
  void OnTimer() override {
    is_woken_ = true;
    if (!waits_for_turn()) GoOn();
  }
  void OnStop() override { ContinueInput(); }
  void OnReady() override { OnTurn(); }
  void Drop() override { waiting_.destroy(); }

  void Watch(uint8_t events);
  void ContinueInput();
  void GoOn();

  Debt debt_ = Debt::kNothing;  // The peer's, during the present wait.
  bool awaits_request_ : 1 = false;
  bool unwatchable_ : 1 = false;  // To be dropped as soon as the coroutine waits.
  bool is_woken_ = false;
  bool has_event_ = false;
  Output* result_ = nullptr;  // Where Result() wants it.
  std::coroutine_handle<> waiting_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_AWAITABLE_SOCKET_H_
