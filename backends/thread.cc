// thread: a thread for each client. While it waits in recv(2) or send(2), the kernel runs another one: the scheduler is
// the event loop. So long work for one client delays none of the others, and the code reads from top to bottom.
// Cost: a stack for each open connection, idle or not. Weak spot: very many clients; one crash ends all.
//
// What a thread does for its client is in backends/blocking/blocking_driver.cc, BlockingConnection::TakeStep().
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "backends/accept/acceptor.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/registry.h"
#include "net/thread_group.h"

namespace polyserve {

namespace {

class ThreadBackend : public Backend {
 public:
  absl::Status Prepare(ServerContext& context) override {
    // A trial: without a single thread the server could accept clients, but serve none.
    if (absl::Status status = ThreadGroup().Start([] {}); !status.ok()) return status;
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kAll});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    return absl::OkStatus();
  }

  absl::Status Serve(ServerContext& context) override {
    std::vector<ServerContext> contexts;  // One for each row of counters; threads take turns at them.
    for (int slot = 0; slot < Statistics::newcomer_rows(); ++slot) {
      contexts.push_back(ContextOfThread(context, slot));
    }
    size_t started_threads = 0;
    ThreadGroup clients;  // Its destructor waits for them.
    while (true) {
      absl::StatusOr<Connection> accepted = acceptor_->Next();
      if (!accepted.ok()) return absl::OkStatus();  // Told to stop.
      // Shared, so that the client can still be refused here if no thread could be started for it.
      auto client = std::make_shared<Connection>(*std::move(accepted));
      const absl::Status started = clients.Start([&own = contexts[started_threads++ % contexts.size()], client] {
        const WorkerSlot place(own.statistics);
        DriveBlocking(std::move(*client), own);
      });
      if (!started.ok()) acceptor_->Refuse(std::move(*client), started);
    }
  }

 private:
  std::unique_ptr<Acceptor> acceptor_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeThreadBackend() { return std::make_unique<ThreadBackend>(); }

const RegisterModel kRow({.name = "thread",
                          .description = "a thread for each client",
                          .lesson = 40,
                          .can = {.computes_apart = true, .serves_elsewhere = true},
                          .make = &MakeThreadBackend});

}  // namespace

}  // namespace polyserve
