// my_model: a model of your own. As it is here it works, but serves one client after the other, as loop does. README.md
// says how to go on.
//
//   MakeMyModel() ─▶ Prepare() ─▶ the server says "ready" ─▶ Serve() ─▶ ServeClient() for each client
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

namespace polyserve {

namespace {

class MyModel : public Backend {
 public:
  // 1. Acquires what serving needs. Once this has returned OK, clients rely on the server: what can fail, fails here.
  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kOwnPorts});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    absl::StatusOr<std::unique_ptr<UdpSockets>> udp = UdpSockets::Create(context);
    if (!udp.ok()) return udp.status();
    udp_ = *std::move(udp);
    return absl::OkStatus();
  }

  // 2. Accepts clients until the server stops. Returns when the last of them has left.
  absl::Status Serve(ServerContext& context) override {
    const WorkerSlot slot(context.statistics);  // Lists this thread in /-/status.
    while (true) {
      // Waits for a client. Datagrams and signals are answered meanwhile.
      absl::StatusOr<Connection> client = udp_->ServeUntilConnection(*acceptor_);
      if (!client.ok()) return absl::OkStatus();  // The server stops, and all clients that had connected were here.
      ServeClient(*std::move(client), context);
    }
  }

 private:
  // 3. Decides which thread or process serves this client. Here it is the one that accepts: until this returns, all
  // other clients wait.
  static void ServeClient(Connection client, ServerContext& context) { DriveBlocking(std::move(client), context); }

  std::unique_ptr<Acceptor> acceptor_;  // Takes clients off the listeners.
  std::unique_ptr<UdpSockets> udp_;     // Answers peers that send datagrams.
};

// 4. Makes the model, once the flags are parsed; acquires nothing yet.
absl::StatusOr<std::unique_ptr<Backend>> MakeMyModel() { return std::make_unique<MyModel>(); }

// The row of --model=help, and what the model can do by its nature (Traits in registry.h): the suite asks for no more.
const RegisterModel kRow({.name = "my_model",
                          .description = "one client after the other",
                          .lesson = 1000,
                          .can = {.keeps_clients_apart = false},
                          .make = &MakeMyModel});

}  // namespace

}  // namespace polyserve
