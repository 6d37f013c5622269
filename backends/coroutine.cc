// coroutine: one thread; each client is a function that reads like the blocking driver's, and where that one blocks,
// this one is put aside until the event loop has something for it. What a thread keeps on its stack, it keeps in a
// frame. Cost: one frame of some hundred bytes per client. Weak spot: long work for one client stalls all, as in every
// loop.
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/connection/ack_wait.h"
#include "backends/connection/closing_message.h"
#include "backends/connection/conversation.h"
#include "backends/connection/fair_share.h"
#include "backends/connection/fairness.h"
#include "backends/connection/flush.h"
#include "backends/connection/lingering_close.h"
#include "backends/connection/start_session.h"
#include "backends/event/awaitable_socket.h"
#include "backends/event/detached_task.h"
#include "backends/event/event_client.h"
#include "backends/event_backend.h"
#include "backends/multi_loop.h"
#include "backends/poller/epoll_poller.h"
#include "backends/registry.h"
#include "net/deadline.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

namespace {

// Reads what has come, and shows it to the session. False: the peer has broken off the connection.
bool Receive(int fd, Conversation& conversation, EventShared& shared, Counters& counters, Output& output) {
  const ssize_t count = ::recv(fd, shared.buffer, sizeof(shared.buffer), 0);
  if (count < 0) return conversation.OnDrained(), errno == EAGAIN;
  if (count == 0) return conversation.OnEnd(output), true;
  Counters::Add(counters.bytes_in, count);
  const bool is_full = count == sizeof(shared.buffer);
  conversation.OnBytes(absl::string_view(shared.buffer, static_cast<size_t>(count)), output, is_full);
  return true;
}

// One connection, from its first byte to its last. Any wait may end early, because of mail, the timer or the stop;
// Next() finds out what that means. The buffer and the output are the loop's: between requests the frame has none.
Detached Converse(Connection connection, EventShared& shared) {
  AwaitableSocket socket(std::move(connection.fd), shared, connection.listener->number);
  Conversation conversation(StartSession(*connection.listener, socket.fd()));
  std::unique_ptr<WakeList::Entry> mail;
  const ClosingMessage closing_message(socket.fd(), conversation, socket.counters());
  Output output;
  FairShare share;
  while (true) {
    if (shared.stopping) conversation.OnStop(shared.grace_over);
    if (socket.TakeWake()) conversation.OnTimer();
    if (socket.works_elsewhere() && !socket.TakeResult(output)) {
      co_await socket.Ready();
      continue;
    }
    const Step step = conversation.Next(output);
    if (!share.Allows(step)) {
      co_await socket.NextTurn();
      share = FairShare();
      continue;
    }
    switch (step) {
      case Step::kRead:
      case Step::kReadLast:
        output.Clear();
        shared.output = std::move(output);
        shared.wakes->Watch(conversation.mailbox(), socket, mail);
        if (step == Step::kRead) co_await socket.Readable(conversation.debt());
        if (step == Step::kReadLast) co_await socket.NextTurn();
        share = FairShare();
        output = std::move(shared.output);
        if (!Receive(socket.fd(), conversation, shared, socket.counters(), output)) co_return;
        break;
      case Step::kSend: {
        if (socket.ReadElsewhere(output)) break;
        const Flushed sent = Flush(socket.fd(), output, kBytesPerTurn, socket.counters());
        if (sent == Flushed::kBroken) co_return;
        if (sent == Flushed::kBlocked) co_await socket.Writable();
        if (sent == Flushed::kBudget) co_await socket.NextTurn();
        break;
      }
      case Step::kAwaitAck:
        if (const absl::Duration left = AckWaitLeft(socket.fd(), output); left > absl::ZeroDuration()) {
          co_await socket.After(left);
        }
        break;
      case Step::kRunTask:
        shared.offload == nullptr ? output.TakeWork()(output) : socket.WorkElsewhere(output);
        break;
      case Step::kResume:
        conversation.Resume(output);
        break;
      case Step::kSetTimer:
        socket.SetTimer(conversation.TakeTimer(output));
        break;
      case Step::kLinger:  // See backends/connection/lingering_close.h.
        ::shutdown(socket.fd(), SHUT_WR);
        for (const Deadline deadline(kLingeringCloseTimeout); !shared.grace_over && !deadline.passed();) {
          co_await socket.ReadableUntil(deadline);
          const ssize_t count = ::recv(socket.fd(), shared.buffer, sizeof(shared.buffer), 0);
          if (count == 0 || (count < 0 && errno != EAGAIN)) co_return;
        }
        DiscardUnread(socket.fd());
        co_return;
      case Step::kEnd:
        co_return;
    }
  }
}

void Start(Connection connection, EventShared& shared) { Converse(std::move(connection), shared); }

absl::StatusOr<std::unique_ptr<Backend>> MakeCoroutineBackend() {
  return MakeEventBackend({.make_poller = &EpollPoller::Create}, &Start);
}

const RegisterModel kRow({.name = "coroutine",
                          .description = "a coroutine for each client, on one thread",
                          .lesson = 130,
                          .flags = kLevelEventFlags,
                          .adjust = &AdjustLoopTraits,
                          .make = &MakeCoroutineBackend});

}  // namespace

}  // namespace polyserve
