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
#include "net/progress_watch.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"

namespace polyserve {

namespace {

// Shows the session what recv() has returned.
void Show(ssize_t count, Conversation& conversation, EventShared& shared, Counters& counters, Output& output) {
  const bool more_may_follow = count == sizeof(shared.buffer) && !shared.grace_over;
  if (count == 0) return conversation.OnEnd(output);
  Counters::Add(counters.bytes_in, count);
  conversation.OnBytes(absl::string_view(shared.buffer, static_cast<size_t>(count)), output, more_may_follow);
}

// One client's conversation. The buffer and the output are the loop's: between requests the frame has none of its own.
Detached Converse(Connection connection, EventShared& shared) {
  AwaitableSocket socket(std::move(connection.fd), shared, connection.listener->number);
  Conversation conversation(StartSession(*connection.listener, socket.fd()));
  std::unique_ptr<WakeList::Entry> mail;  // What it says ends any of the waits below.
  ClosingMessage closing_message(socket.fd(), conversation, socket.counters());
  while (true) {
    closing_message.set_due(true);
    shared.wakes->Watch(conversation.mailbox(), socket, mail);
    // When the server's grace is over, a peer that is between requests is read once more, but not waited for.
    if (shared.stopping) conversation.OnStop();
    const bool last_look = conversation.ends(shared.grace_over);
    bool is_time = socket.TakeWake();
    if (!is_time && !conversation.has_mail()) {
      if (last_look) co_await socket.NextTurn();  // (No ?: here: GCC 12 would evaluate both of its branches.)
      const bool is_amid_request = conversation.awaits_rest_of_request();
      if (!last_look) co_await socket.Readable(is_amid_request ? Debt::kRestOfRequest : Debt::kNothing);
      is_time = socket.TakeWake();
    }
    const ssize_t count = is_time ? 0 : ::recv(socket.fd(), shared.buffer, sizeof(shared.buffer), 0);
    const bool has_mail = conversation.has_mail();
    if (count < 0 && (errno != EAGAIN || (last_look && !has_mail))) co_return;  // Reset, or the end of the last look.
    if (count < 0 && !has_mail && !conversation.is_cut_off()) continue;         // The stop has woken it.
    if (conversation.is_cut_off()) co_return;  // Nothing is half sent, so it can still be told.
    closing_message.set_due(false);
    Output output = std::move(shared.output);
    if (is_time) conversation.OnTime(output);
    if (!is_time && count >= 0) Show(count, conversation, shared, socket.counters(), output);
    while (true) {  // Performs all output, and what it held up.
      if (conversation.is_cut_off()) co_return;
      if (socket.ReadElsewhere(output)) {
        while (!socket.TakeResult(output)) co_await socket.Ready();
      }
      const Flushed sent = Flush(socket.fd(), output, kBytesPerTurn, socket.counters());
      if (sent == Flushed::kBroken) co_return;
      if (sent == Flushed::kBlocked) co_await socket.Writable();
      if (sent == Flushed::kBudget) co_await socket.NextTurn();
      if (sent != Flushed::kAll) continue;
      if (const absl::Duration pause = PauseLeft(socket.fd(), output); pause > absl::ZeroDuration()) {
        co_await socket.After(pause);
        continue;
      }
      if (output.has_work()) {
        if (shared.offload == nullptr) {
          output.TakeWork()(output);
          if (output.has_work()) co_await socket.NextTurn();  // One a turn: here it keeps all the others waiting.
          continue;
        }
        socket.WorkElsewhere(output);
        while (!socket.TakeResult(output)) co_await socket.Ready();
        continue;
      }
      if (conversation.ended()) co_return;  // The peer has closed its side, so nothing can be lost any more.
      if (output.closing() || !conversation.ContinueInput(output)) break;
      co_await socket.NextTurn();
    }
    if (output.closing()) break;
    if (output.asks_for_wake()) socket.SetTimer(output.TakeWakeIn());
    output.Clear();
    shared.output = std::move(output);
  }
  // Closes our side, and waits a moment for the peer to close its own; see backends/connection/lingering_close.h.
  ::shutdown(socket.fd(), SHUT_WR);
  const Deadline deadline(kLingerTime);
  while (!shared.grace_over && !deadline.passed()) {
    co_await socket.ReadableUntil(deadline);
    const ssize_t count = ::recv(socket.fd(), shared.buffer, sizeof(shared.buffer), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) co_return;
  }
  DiscardUnread(socket.fd());
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
