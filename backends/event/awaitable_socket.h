// AwaitableSocket: a socket of an event loop on which one coroutine can wait.
//
//   Detached Echo(UniqueFd fd, EventShared& shared) {
//     AwaitableSocket socket(std::move(fd), shared);
//     while (true) {
//       co_await socket.Readable();
//       const ssize_t count = ::recv(socket.fd(), ...);
//
// To be a local of the coroutine. The loop destroys the coroutine while it waits where nothing has moved for the idle
// time-out, where the socket cannot be watched, and where the loop itself goes.
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
  class [[nodiscard]] Wait {  // Does nothing without co_await.
   public:
    explicit Wait(AwaitableSocket& socket, bool is_over = false) : socket_(socket), is_over_(is_over) {}
    bool await_ready() const { return is_over_; }
    void await_suspend(std::coroutine_handle<> coroutine) { socket_.waiting_ = coroutine; }
    void await_resume() const {}

   private:
    AwaitableSocket& socket_;
    const bool is_over_;
  };

  // The descriptor must be non-blocking. Counts for this service.
  AwaitableSocket(UniqueFd fd, EventShared& shared, int service = kNoService);
  ~AwaitableSocket() override = default;

  int fd() const { return fd_.get(); }
  Counters& counters() const { return counters_; }

  // What can be waited for. Each wait may end early, as one for a condition variable does (the server stops, or mail
  // has come, for example): look again, and wait again. The socket remains registered with the kernel until something
  // else is waited for, so that waiting for the same again costs no system call.
  Wait Readable(Debt debt = Debt::kNothing);  // With what the peer owes meanwhile.
  Wait Writable();
  Wait ReadableUntil(const Deadline& deadline);
  Wait NextTurn();  // After the others' turn.
  Wait After(absl::Duration time);
  Wait NoWait() { return Wait(*this, /*is_over=*/true); }  // Goes on at once.

  // Waits for the result of RunByHelper() or ReadByHelper(), and moves it into the output. Does not end early.
  Wait Result(Output& output);

  // Ends a wait in so long, and TakeWake() is true then, once. A later one replaces this one.
  using EventClient::SetTimer;
  bool TakeWake() { return std::exchange(is_woken_, false); }
  // Something has moved, other than what was waited for; see the idle time-out.
  using EventClient::NoteMove;
  using EventClient::ReadByHelper;
  using EventClient::RunByHelper;
  using EventClient::has_helper_task;

 private:
  Debt debt() const override { return debt_; }
  void OnEvents(uint8_t) override { ContinueInput(); }
  void OnTurn() override { unwatchable_ ? Drop() : ContinueInput(); }
  void OnPauseOver() override { GoOn(); }
  void OnTimer() override {
    is_woken_ = true;
    GoOn();
  }
  void OnStop() override { ContinueInput(); }
  void OnReady() override { OnTurn(); }
  void Drop() override { waiting_.destroy(); }

  void Watch(uint8_t events);
  void ContinueInput();
  void GoOn();

  Debt debt_ = Debt::kNothing;
  bool unwatchable_ = false;
  bool is_woken_ = false;
  Output* result_ = nullptr;  // Where Result() wants it.
  std::coroutine_handle<> waiting_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_AWAITABLE_SOCKET_H_
