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
    // The connections that it returns block (Options::non_blocking is false): the process has a single client at a
    // time, and can wait for it in recv(2) and send(2) themselves. UDP peers are accepted like clients only if they are
    // answered from a port of their own (TFTP); UdpSockets answers all others between two clients.
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
    // This is the whole model. While DriveBlocking() runs, no code looks at the listeners: the kernel completes the
    // handshakes of other clients by itself, and queues these up to the backlog of listen(2). Beyond that it drops
    // their SYNs, which TCP sends again. So a client that waits sees an open connection on which nothing comes. Only
    // --idle_timeout or a stop ends the conversation with a silent client.
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

// Tests ask for the trait, not for the model's name (registry.h): they skip the cases in which one client must not
// delay another one.
const RegisterModel kRow({.name = "loop",
                          .description = "one client after the other",
                          .lesson = 10,
                          .can = {.keeps_clients_apart = false},
                          .make = &MakeLoopBackend});

}  // namespace

}  // namespace polyserve
