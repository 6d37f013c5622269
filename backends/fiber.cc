// fiber: one thread; each client is a function on a stack of its own, which reads like the blocking driver's. At each
// point where that one would block, the loop's stack is switched to, until the loop has something for the client. What
// coroutine does by co_await, and a frame for each function, is here an ordinary call. Cost: a stack for each client,
// of which the pages that were ever used stay in memory. Weak spot: long work for one client stalls all, as in every
// loop; a stack that is too small ends the process.
//
// The switch is in backends/event/fiber.cc, Fiber::Suspend() and Resume(); the waits in backends/event/fiber_socket.cc;
// the loop that resumes the fibers is epoll's.
// Sources: Oliver Kowalke, Boost.Context; Adya and others, "Cooperative Task Management without Manual Stack
// Management", USENIX 2002.
#include "backends/event/fiber.h"

#include <gflags/gflags.h>

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/connection/conversation.h"
#include "backends/epoll_flags.h"
#include "backends/event/event_client.h"
#include "backends/event/fiber_socket.h"
#include "backends/event/poller_loop_options.h"
#include "backends/event_backend.h"
#include "backends/multi_loop.h"
#include "backends/registry.h"
#include "backends/sequential_client.h"
#include "base/command_line.h"
#include "base/logging.h"
#include "net/statistics.h"

// A sanitizer's frames are several times as large.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POLYSERVE_FIBER_STACK (1024 * 1024)
#else
#define POLYSERVE_FIBER_STACK (256 * 1024)
#endif
DEFINE_int32(fiber_stack, POLYSERVE_FIBER_STACK,
             "=BYTES fiber: the stack of each client; memory is taken for what is used of it");

namespace polyserve {

namespace {

using FiberClient = SequentialClient<FiberSocket>;

// The largest frames are those of reports and of the library of TLS.
constexpr int kSmallestStack = 64 * 1024;
constexpr int kLargestStack = 64 * 1024 * 1024;

// One connection, from its first byte to its last, on its own stack. Each wait is a call that returns when it is over,
// with false if the connection is to end. A client that always has something to do would never be suspended, and the
// loop would never come back to the others: hence Allows().
void Converse(FiberClient& client) {
  while (true) {
    const Step step = client.Next();
    if (!client.Allows(step)) {
      if (!client.NextTurn()) return;
      continue;
    }
    switch (step) {
      case Step::kRead:
      case Step::kReadLast:
        if (!client.Input() || !client.Receive()) return;
        break;
      case Step::kSend:
        if (!client.Send() || !client.Room()) return;
        break;
      case Step::kAwaitAck:
        if (!client.Acknowledgement()) return;
        break;
      case Step::kAsk:
        if (!client.Reply()) return;
        break;
      case Step::kRunTask:
        if (!client.Task()) return;
        break;
      case Step::kResume:
        client.Resume();
        break;
      case Step::kSetTimer:
        client.StartTimer();
        break;
      case Step::kLinger:
        if (!client.Linger() || !client.LingerInput()) return;
        break;
      case Step::kEnd:
        return;
    }
  }
}

// Returns when the fiber first has to wait. If there is no stack for it, the client is closed, and counted out here: no
// EventClient does it.
void Start(Connection connection, EventShared& shared) {
  Counters& counters = OfService(*shared.counters, connection.listener->number);
  Fiber::Body body = [connection = std::move(connection), &shared](Fiber& self) mutable {
    FiberClient client(std::move(connection), shared, self);
    Converse(client);
  };
  const absl::Status started = Fiber::Run(static_cast<size_t>(FLAGS_fiber_stack), std::move(body));
  if (started.ok()) return;
  LOG_FLOOD(WARNING) << "no stack for a client, so its connection is closed: " << started.message();
  CountEnd(counters, shared.connection_limit);
}

absl::StatusOr<std::unique_ptr<Backend>> MakeFiberBackend() {
  absl::Status status = CheckFlagRange("fiber_stack", FLAGS_fiber_stack, kSmallestStack, kLargestStack);
  if (!status.ok()) return status;
  const absl::StatusOr<MakePoller> epoll = EpollFromFlags();
  if (!epoll.ok()) return epoll.status();
  // Level-triggered, the default: as coroutine.cc, Receive() reads once and then waits again.
  return MakeEventBackend({.make_poller = *epoll}, &Start);
}

const RegisterModel kRow(
    {.name = "fiber",
     .description = "a fiber with a stack for each client, on one thread",
     .lesson = 135,
     .can = {.queues = true},
     .flags = "fiber_stack workers worker_type accept accept_batch wake busy_poll pin_cpus offload offload_files",
     .adjust = &AdjustLoopTraits,
     .make = &MakeFiberBackend});

}  // namespace

}  // namespace polyserve
