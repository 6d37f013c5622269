// my_model, solved: a thread for each client, the shortest way to serve several. backends/thread.cc is the same, but
// makes the threads' contexts once instead of one for each client.
//
// Others are as good: a process for each client (backends/fork.cc), or one loop that waits for all of them
// (backends/poll.cc with backends/event_backend.h).
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/registry.h"
#include "backends/udp/udp_sockets.h"
#include "net/statistics.h"
#include "net/thread_group.h"

namespace polyserve {

namespace {

class MyModel : public Backend {
 public:
  absl::Status Prepare(ServerContext& context) override {
    // A trial: without a single thread the server could accept clients, but serve none.
    if (absl::Status status = ThreadGroup().Start([] {}); !status.ok()) return status;
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kOwnPorts});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    absl::StatusOr<std::unique_ptr<UdpSockets>> udp = UdpSockets::Create(context);
    if (!udp.ok()) return udp.status();
    udp_ = *std::move(udp);
    return absl::OkStatus();
  }

  absl::Status Serve(ServerContext& context) override {
    const WorkerSlot slot(context.statistics);
    // Its destructor waits for the last client. Meanwhile it interrupts the threads again and again, since a thread
    // that waits in recv(2) does not see that the server stops.
    ThreadGroup threads;
    while (true) {
      absl::StatusOr<Connection> client = udp_->ServeUntilConnection(*acceptor_);
      if (!client.ok()) return absl::OkStatus();
      ServeClient(*std::move(client), context, threads);
    }
  }

 private:
  void ServeClient(Connection accepted, ServerContext& context, ThreadGroup& threads) {
    // Shared, so that the client is still here if there is no thread for it.
    auto client = std::make_shared<Connection>(std::move(accepted));
    const int row = static_cast<int>(threads_started_++ % Statistics::newcomer_rows());
    const absl::Status started = threads.Start([client, &context, row] {
      // In its own context a thread counts for itself: threads that write to the same counters slow each other down.
      ServerContext own = ContextOfThread(context, row);
      const WorkerSlot slot(own.statistics);
      DriveBlocking(std::move(*client), own);
    });
    if (!started.ok()) acceptor_->Refuse(std::move(*client), started);
  }

  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<UdpSockets> udp_;
  int64_t threads_started_ = 0;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeMyModel() { return std::make_unique<MyModel>(); }

const RegisterModel kRow({.name = "my_model",
                          .description = "a thread for each client",
                          .lesson = 1000,
                          .can = {.computes_apart = true, .serves_elsewhere = true},
                          .make = &MakeMyModel});

}  // namespace

}  // namespace polyserve
