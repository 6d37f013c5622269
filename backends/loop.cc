// loop: one client after the other, each served to the end (the iterative server); of datagrams, one after the other,
// whoever they are from. Cost: none but the sockets. Weak spot: a client that stays keeps all the others out.
#include <memory>

#include "backends/accept/acceptor.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/udp/udp_sockets.h"
#include "net/signal_thread.h"
#include "net/signals.h"
#include "net/wake_list.h"

namespace polyserve {

namespace {

class MultiLoopBackend : public Backend {
 public:
  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<WakeList>> wakes = WakeList::Create();
    if (!wakes.ok()) return wakes.status();
    wakes_ = *std::move(wakes);
    absl::StatusOr<std::unique_ptr<UdpSockets>> ports = UdpSockets::Create(context, *wakes_);
    if (!ports.ok()) return ports.status();
    ports_ = *std::move(ports);
    // However long a client stays: this thread is with it all the while.
    absl::StatusOr<std::unique_ptr<SignalThread>> signals =
        SignalThread::Start([&context](unsigned event) { AnswerCommonSignals(event, context); });
    if (!signals.ok()) return signals.status();
    signals_ = *std::move(signals);
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kOwnPorts});
    if (acceptor.ok()) acceptor_ = *std::move(acceptor);
    return acceptor.status();
  }

  absl::Status Serve(ServerContext& context) override {
    const WorkerSlot place(context.statistics);
    wakes_->BelongToThisThread();
    UdpSockets& ports = *ports_;
    while (!Signals::stopping()) {
      acceptor_->Wait({.also = wakes_->fd(), .at_most = ports.UntilNextLook()});
      ports.Serve();
      absl::StatusOr<Connection> client = acceptor_->TakeSeen();
      if (client.ok()) DriveBlocking(*std::move(client), context);
    }
    ports.Drain();
    while (true) {
      absl::StatusOr<Connection> client = acceptor_->Next();
      if (!client.ok()) return absl::OkStatus();
      DriveBlocking(*std::move(client), context);
    }
  }

 private:
  std::unique_ptr<WakeList> wakes_;  // Of those who send datagrams.
  std::unique_ptr<UdpSockets> ports_;
  std::unique_ptr<SignalThread> signals_;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeMultiLoopBackend() { return std::make_unique<MultiLoopBackend>(); }

}  // namespace polyserve
