// coroutine: one thread; each client is a function that reads like the blocking driver's. At each point where that one
// would block, this one is suspended until the event loop has something for it. What a thread keeps on its stack, a
// coroutine keeps in a frame on the heap. Cost: one frame of some hundred bytes per client. Weak spot: long work for
// one client stalls all, as in every loop.
//
// What is awaited is in backends/sequential_client.h, co_await and its return in backends/event/awaitable_socket.h; the
// loop that resumes the coroutines is epoll's.
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/connection/conversation.h"
#include "backends/epoll_flags.h"
#include "backends/event/awaitable_socket.h"
#include "backends/event/detached_task.h"
#include "backends/event/event_client.h"
#include "backends/event/poller_loop_options.h"
#include "backends/event_backend.h"
#include "backends/multi_loop.h"
#include "backends/registry.h"
#include "backends/sequential_client.h"

namespace polyserve {

namespace {

using CoroutineClient = SequentialClient<AwaitableSocket>;

// One connection, from its first byte to its last. A call allocates a frame on the heap for its parameters and locals,
// and runs until the first co_await that has to wait. There it returns to its caller, Start(); the loop resumes it
// later through the handle that the socket has stored. The connection is passed by value because the caller's own is
// gone by then; the reference is safe because EventShared outlives all clients of its loop.
//
// Each case does what is possible now, and then waits for what is left. A client that always has something to do would
// never be suspended, and the loop would never come back to the others: hence Allows(). co_return destroys `client`,
// which closes the socket, and frees the frame (backends/event/detached_task.h).
Detached Converse(Connection connection, EventShared& shared) {
  CoroutineClient client(std::move(connection), shared);
  while (true) {
    const Step step = client.Next();
    if (!client.Allows(step)) {
      co_await client.NextTurn();
      continue;
    }
    switch (step) {
      case Step::kRead:
      case Step::kReadLast:
        co_await client.Input();
        if (!client.Receive()) co_return;
        break;
      case Step::kSend:
        if (!client.Send()) co_return;
        co_await client.Room();
        break;
      case Step::kAwaitAck:
        co_await client.Acknowledgement();
        break;
      case Step::kAsk:
        co_await client.Reply();
        break;
      case Step::kRunTask:
        co_await client.Task();
        break;
      case Step::kResume:
        client.Resume();
        break;
      case Step::kSetTimer:
        client.StartTimer();
        break;
      case Step::kLinger:
        if (!client.Linger()) co_return;
        co_await client.LingerInput();
        break;
      case Step::kEnd:
        co_return;
    }
  }
}

// No handle is kept here: the coroutine owns itself. Start() returns when the coroutine first has to wait.
void Start(Connection connection, EventShared& shared) { Converse(std::move(connection), shared); }

absl::StatusOr<std::unique_ptr<Backend>> MakeCoroutineBackend() {
  // Level-triggered, the default: Receive() reads once and then waits again. An edge would not report the bytes that it
  // has left a second time, so this model has no --trigger.
  const absl::StatusOr<MakePoller> epoll = EpollFromFlags();
  if (!epoll.ok()) return epoll.status();
  return MakeEventBackend({.make_poller = *epoll}, &Start);
}

const RegisterModel kRow(
    {.name = "coroutine",
     .description = "a coroutine for each client, on one thread",
     .lesson = 130,
     .can = {.queues = true},
     .flags = "workers worker_type accept accept_batch wake busy_poll pin_cpus offload offload_files",
     .adjust = &AdjustLoopTraits,
     .make = &MakeCoroutineBackend});

}  // namespace

}  // namespace polyserve
