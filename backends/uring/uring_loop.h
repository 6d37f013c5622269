// UringLoop: what is not one connection's: the listeners, the signals, the clocks, and the way a stop goes. One thread.
// Its turn: submit what was prepared, wait, note all completions, let each connection concerned go on once.
#ifndef POLYSERVE_BACKENDS_URING_URING_LOOP_H_
#define POLYSERVE_BACKENDS_URING_URING_LOOP_H_

#include <liburing.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/server_context.h"
#include "backends/connection/offload.h"
#include "backends/connection/timers.h"
#include "backends/event/event_loop.h"
#include "backends/udp/connected_peers.h"
#include "backends/udp/udp_socket.h"
#include "backends/uring/ring.h"
#include "backends/uring/uring_connection.h"
#include "net/wake_list.h"

namespace polyserve {

class UringLoop : public EventLoop {
 public:
  // The context, and the role (null: it is alone), must outlive it.
  UringLoop(ServerContext& context, const WorkerRole* role, std::unique_ptr<Acceptor> acceptor,
            std::unique_ptr<UringRing> ring, std::unique_ptr<WakeList> wakes, std::unique_ptr<Offload> offload);

  // To be called before Run(). Fails for want of descriptors.
  absl::Status OpenPeers();

  absl::Status Run() override;

 private:
  // Where clients come from, and the one operation that is under way for it.
  struct alignas(kTagAlignment) Port {
    const Listener* listener;                     // Null: the inbox.
    std::unique_ptr<UdpSocket> datagrams;         // Where these are what it takes.
    Operation operation = Operation::kUnwatched;  // This: none.
  };

  void Dispatch(const io_uring_cqe& completion);
  void Proceed();

  void Open(Port& port);
  void Accept(Port& port);
  void AwaitAcceptable(Port& port);
  void PauseAccepting(Port& port);
  void AwaitPlace(Port& port);
  void OnAccepted(Port& port, const io_uring_cqe& completion);
  void OnAcceptable(Port& port);
  void AwaitDatagrams(Port& port);
  void OnDatagrams(Port& port);
  void AwaitPeers();
  void Start(Connection connection);
  bool Ends(Port& port);
  bool awaits_clients(const Port& port) const { return port.listener == nullptr && !inbox_ended_; }

  void AwaitSignals();
  void OnSignals();
  void Stop();
  void OnGraceOver();
  void TellConnections();
  void DrainIfQuiet();
  void TakeBacklog();

  void AwaitWake();
  void OnReady();
  void AwaitTick();
  void OnTick();
  void AwaitAlarm();
  void AwaitLingerEnd();
  void OnLingerEnd();

  ServerContext& context_;
  const WorkerRole* const role_;
  std::unique_ptr<UringRing> ring_;
  const std::unique_ptr<WakeList> wakes_;
  const std::unique_ptr<Offload> offload_;  // Null where it has no helpers.
  const std::unique_ptr<Acceptor> acceptor_;
  std::vector<Port> ports_;
  UringShared shared_;
  std::unique_ptr<ConnectedUdpPeers> peers_;  // Those that are answered from a port of their own.
  std::vector<UringConnection*> turn_;        // Those that were due when it began.
  bool inbox_ended_ = false;
  bool is_drained_ = false;  // The server stops, and all who had connected before were taken.
  bool awaits_linger_end_ = false;
  Timer::Clock::time_point alarm_at_ = Timer::Clock::time_point::max();  // What a timer is under way for.
  // Of the timers under way; the kernel reads them when they are submitted.
  __kernel_timespec tick_ = {};
  __kernel_timespec linger_ = {};
  __kernel_timespec timer_ = {};
  __kernel_timespec pause_ = {};
  __kernel_timespec grace_ = {};
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_URING_LOOP_H_
