#include "backends/roaming_client.h"

#include <memory>
#include <utility>

#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "backends/event/event_client.h"
#include "backends/roaming_socket.h"
#include "backends/sequential_client.h"
#include "backends/threaded_client.h"
#include "net/progress_watch.h"

namespace polyserve {

namespace {

class RoamingClient;
RoamingTask Converse(RoamingClient& client);

class RoamingClient final : public SequentialClient<RoamingSocket> {
 public:
  RoamingClient(Connection connection, EventShared& shared, ReadyClients& ready)
      : SequentialClient(std::move(connection), shared, ready) {
    Run(Converse(*this));
  }
  ~RoamingClient() override { StopMail(); }

 private:
  Conversation& conversation() override { return conversation_; }
  Debt debt() const override { return conversation_.debt(); }
};

// The text of coroutine.cc. What differs is that behind a co_await the thread may be another one: so nothing may be
// kept from before it that belongs to a thread, such as its buffers (lent()) or its counters, or the address of its
// errno. A stackless coroutine keeps none of them, since it looks for each again after it was resumed; on a stack of
// its own, as a fiber's, the compiler might.
RoamingTask Converse(RoamingClient& client) {
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

}  // namespace

MakeThreadedClient RoamingClients(ReadyClients& ready) {
  return [&ready](Connection connection, EventShared& shared) {
    return std::make_unique<RoamingClient>(std::move(connection), shared, ready);
  };
}

}  // namespace polyserve
