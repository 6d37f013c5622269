// added: a model that is not in the server, written as docs/adding.md describes. Serves one client after the other, as
// loop does.
#include <memory>

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

class AddedBackend : public Backend {
 public:
  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kOwnPorts});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    absl::StatusOr<std::unique_ptr<UdpSockets>> udp = UdpSockets::Create(context);
    if (!udp.ok()) return udp.status();
    udp_ = *std::move(udp);
    return absl::OkStatus();
  }

  absl::Status Serve(ServerContext& context) override {
    const WorkerSlot slot(context.statistics);  // /-/status lists this thread by it.
    while (true) {
      absl::StatusOr<Connection> client = udp_->ServeUntilConnection(*acceptor_);
      if (!client.ok()) return absl::OkStatus();  // Told to stop.
      DriveBlocking(*std::move(client), context);
    }
  }

 private:
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<UdpSockets> udp_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeAddedBackend() { return std::make_unique<AddedBackend>(); }

const RegisterModel kRow({.name = "added",
                          .description = "one client after the other, for a test",
                          .lesson = 1000,
                          .can = {.keeps_clients_apart = false},
                          .make = &MakeAddedBackend});

}  // namespace

}  // namespace polyserve
