// loop: one client after the other, each served to the end (the iterative server). Datagrams, too, are answered one
// after the other, from any peer. Cost: none but the sockets. Weak spot: a client that stays keeps all the others out:
// they wait in the kernel's queue, connected but not served.
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

class LoopBackend : public Backend {
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
    const WorkerSlot slot(context.statistics);
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

absl::StatusOr<std::unique_ptr<Backend>> MakeLoopBackend() { return std::make_unique<LoopBackend>(); }

const RegisterModel kRow({.name = "loop",
                          .description = "one client after the other",
                          .lesson = 10,
                          .can = {.keeps_clients_apart = false},
                          .make = &MakeLoopBackend});

}  // namespace

}  // namespace polyserve
