// RoamingSocket: a socket of an event loop on which one coroutine can wait that belongs to no thread: whichever thread
// takes the client resumes it, and it goes on there until it has to wait again. What AwaitableSocket is for a coroutine
// that stays with its loop: the same waits.
//
//   coroutine                       a worker                           the loop, in some worker's turn
//   co_await Readable() ─▶ notes
//       what it needs ────────────▶ Return(): arms the socket ────────▶ ready: to a queue
//   goes on behind it ◀─ resume() ─ another worker has taken it ◀────────────┘
//
// A wait only notes what is needed. It is published when the coroutine is suspended, by the thread that has resumed it
// (ThreadedClient::Return()): earlier, another thread might resume a coroutine that still runs.
//
// The coroutine gets a reference to its client, which owns it, and destroys it. Its calls come from the thread that has
// the client, without the mutex; so none of them touches the loop, or what other clients share.
#ifndef POLYSERVE_BACKENDS_ROAMING_SOCKET_H_
#define POLYSERVE_BACKENDS_ROAMING_SOCKET_H_

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "backends/connection/nonblocking_steps.h"
#include "backends/connection/timed_turn.h"
#include "backends/connection/upstream.h"
#include "backends/event/event_client.h"
#include "backends/threaded_client.h"
#include "base/mailbox.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

// The type of such a coroutine. It begins when it is first resumed, and its frame stays until it is destroyed.
struct RoamingTask {
  struct promise_type {
    RoamingTask get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }  // There are none of our own.
  };
  std::coroutine_handle<> handle;
};

class RoamingSocket : public ThreadedClient {
 public:
  // What co_await takes. The function that returns it has noted what the wait is for.
  struct [[nodiscard]] Wait {
    bool is_over = false;
    bool await_ready() const { return is_over; }
    void await_suspend(std::coroutine_handle<>) const {}
    void await_resume() const {}
  };

  // See ThreadedClient.
  RoamingSocket(UniqueFd fd, EventShared& shared, int service, ReadyClients& ready)
      : ThreadedClient(std::move(fd), shared, service, ready, kNoOwner), row_(&counters_) {}
  ~RoamingSocket() override {
    if (task_) task_.destroy();
  }

  int fd() const { return fd_.get(); }
  // Those of the thread that has the client; it counts in a row of its own.
  Counters& counters() const { return *row_; }
  Workspace& lent() { return *space_; }
  const TimedWait* timed() const { return space_->timed; }

  // See AwaitableSocket. Any wait may end early. What the peer owes is known by the conversation.
  Wait Readable(Debt) { return Needing({.input = true}); }
  Wait Writable() { return Needing({.room = true}); }
  Wait ReadableUntil(const Deadline& deadline) { return Needing({.input = true, .time = deadline.Left()}); }
  // A socket is as a rule writable, so the next wait of the loop finds it, behind those that are ready by then.
  Wait NextTurn() { return Needing({.input = true, .room = true}); }
  Wait After(absl::Duration time) { return Needing({.time = time}); }
  Wait Asked() { return Needing({.time = upstream_->Left()}); }
  Wait Called() { return Needing({}); }
  static Wait NoWait() { return {.is_over = true}; }

  // Nobody helps: what waits behind a long task is taken by another thread.
  using EventClient::has_helper_task;
  static bool has_helpers() { return false; }
  static bool ReadByHelper(const Output&) { return false; }
  static void RunByHelper(const Output::Task&) {}
  static Wait Result(const Output&) { return NoWait(); }

  void SetTimer(absl::Duration after) { timer_.emplace(after); }
  bool TakeWake() {
    const bool is_woken = timer_.has_value() && timer_->passed();
    if (is_woken) timer_.reset();
    return is_woken;
  }
  bool TakeEvent() { return std::exchange(has_event_, false); }
  void NoteMove() { has_moved_ = true; }
  bool GoOnAsking(Output& output) {
    upstream_ = &Upstream::Of(output);
    if (!upstream_->Step()) return false;
    upstream_ = nullptr;
    Upstream::Answer(output);
    NoteMove();  // The peer has waited for us.
    return true;
  }
  static void WatchMail(Mailbox*, std::unique_ptr<WakeList::Entry>&) {}  // Return() does it, with the mutex held.

 protected:
  // Call it once, in the constructor of the derived class.
  void Run(RoamingTask task) { task_ = task.handle; }

 private:
  static constexpr int kNoOwner = -1;

  Wait Needing(const Needs& needs) {
    needs_ = needs;
    return {};
  }

  // Of the loop. The client is in no thread's hands then.
  void OnEvents(uint8_t events) override {
    NoteMove();
    has_event_ = true;
    ThreadedClient::OnEvents(events);
  }

  Outcome TakeTurn(Workspace& space, Counters& counters) override {
    space_ = &space;
    row_ = &counters;
    upstream_ = nullptr;
    task_.resume();
    // The first time it gets no further than to its first wait, for what has come already.
    if (std::exchange(is_new_, false) && !task_.done()) task_.resume();
    if (task_.done()) return Outcome::kOver;
    return std::exchange(has_moved_, false) ? Outcome::kMoved : Outcome::kNothing;
  }
  Needs needs() const override {
    Needs needs = needs_;
    if (timer_.has_value()) needs.time = std::min(needs.time, timer_->Left());
    return needs;
  }
  Upstream* upstream() override { return upstream_; }

  bool has_moved_ = false;  // In this turn.
  bool has_event_ = true;   // The socket has been ready since TakeEvent(), or may be: nobody has looked yet.
  bool is_new_ = true;      // It has not begun.
  Needs needs_ = {.input = true};
  std::optional<Deadline> timer_;  // The session's, while it is set.
  Upstream* upstream_ = nullptr;   // The exchange that it waits for.
  Workspace* space_ = nullptr;     // Of the thread that has it.
  Counters* row_;                  // Likewise, of the last one.
  std::coroutine_handle<> task_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ROAMING_SOCKET_H_
