// Detached: the type of a coroutine that owns itself. It runs at once up to its first wait, and frees its frame as it
// returns. While it waits, the holder of its handle (an AwaitableSocket) may destroy it: its locals are destroyed as if
// it had returned.
//
//   Detached Serve(UniqueFd fd, EventShared& shared) { ... co_await ...; co_return; }
//   Serve(std::move(fd), shared);  // Returns at the first co_await; the coroutine goes on by itself.
//
// Parameters are kept in the frame: pass by value what must live until the end, and by reference only what outlives the
// loop's clients.
#ifndef POLYSERVE_BACKENDS_EVENT_DETACHED_TASK_H_
#define POLYSERVE_BACKENDS_EVENT_DETACHED_TASK_H_

#include <coroutine>
#include <exception>

namespace polyserve {

struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }  // There are none of our own.
  };
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_DETACHED_TASK_H_
