// UringLoop: all of the ring driver that is not one connection's: the listeners, the signals, the clocks, and the way a
// stop goes. One iteration:
//
//   SubmitAndWait() ─▶ Dispatch() each completion ─▶ Proceed() each connection concerned ─▶ wakes, tasks ─▶ ...
//   one system call    notes it                      prepares new operations
//
// It does not wait if a connection is due, waits for a buffer, or has mail: then it submits, takes what has completed
// by now, and goes on.
//
// Each kind of event is an operation that is under way: Await...() starts it, On...() is called with its completion,
// and starts the next one. So at any time there is one for the signals, one for each clock that runs, one for the wake
// list and one for each port.
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

// One thread makes, runs and destroys it.
class UringLoop : public EventLoop {
 public:
  // The context, and the role (null: it is the only loop), must outlive it. `offload` is null if it has no helpers.
  // Prepares nothing yet: clients wait in the kernel's queues until Run().
  UringLoop(ServerContext& context, const WorkerRole* role, std::unique_ptr<Acceptor> acceptor,
            std::unique_ptr<UringRing> ring, std::unique_ptr<WakeList> wakes, std::unique_ptr<Offload> offload);

  // Call it before Run(), with or without listeners of datagrams. Fails if descriptors are short.
  absl::Status OpenPeers();

  // See EventLoop: blocks until the server has stopped and the last client has left. Fails only if the ring does.
  absl::Status Run() override;

 private:
  // Where clients come from (a listener, or the inbox), and the one operation that is under way for it. For a listener
  // of connections:
  //
  //   no limit        kAccept ──an error──▶ kAcceptable ──none is left──▶ kAccept
  //   limit, inbox    kAcceptable ─▶ kAcceptable ...
  //   either          kAcceptable ──shortage, full──▶ kPauseEnd ─▶ kAcceptable
  //   a stop          cancelled ─▶ completes, whatever it was ─▶ kUnwatched
  struct alignas(kTagAlignment) Port {
    const Listener* listener;                     // Null: the inbox.
    std::unique_ptr<UdpSocket> datagrams;         // Null if it takes connections.
    Operation operation = Operation::kUnwatched;  // kUnwatched: none is under way.
  };

  // The server stops, and the last client has left.
  bool is_over() const;
  // Passes a completion to the On...() of its operation.
  void Dispatch(const io_uring_cqe& completion);
  // Has each connection on shared_.due go on, once. What comes back on the list meanwhile is for the next iteration.
  void Proceed();

  // How clients come in. Without a connection limit the kernel accepts for us (Accept()); with one, a poll comes first
  // (AwaitAcceptable()), because the kernel would accept clients that the server has no room for.
  void Open(Port& port);
  // One operation accepts all clients, or one at a time if other loops wait at the same listener.
  void Accept(Port& port);
  // Polls instead, and then accepts one by one: also after an error, and for the inbox.
  void AwaitAcceptable(Port& port);
  // No descriptor is left: looks again after kShortagePause (net/shortage.h).
  void PauseAccepting(Port& port);
  // The server is full: looks again when a connection has ended.
  void AwaitPlace(Port& port);
  void OnAccepted(Port& port, const io_uring_cqe& completion);
  void OnAcceptable(Port& port);
  void AwaitDatagrams(Port& port);
  void OnDatagrams(Port& port);
  void AwaitPeers();
  // Serves an accepted client, or a UDP peer that is answered from a port of its own.
  void Start(Connection connection);
  // The port's operation has completed. True if no new one may be started, because the server stops: then the last
  // port to call it begins the drain.
  bool Ends(Port& port);
  bool awaits_clients(const Port& port) const { return port.listener == nullptr && !inbox_ended_; }

  // Signals, and how a stop goes: the ports' operations are cancelled (Stop()); when all have completed, the clients
  // that had connected before are taken (DrainIfQuiet(), TakeBacklog()); connections end when their requests are
  // answered, or the grace is over (OnGraceOver()).
  void AwaitSignals();
  void OnSignals();
  void Stop();
  void OnGraceOver();
  void TellConnections();
  void DrainIfQuiet();
  void TakeBacklog();

  // What other threads bring (mail, results of tasks), and the clocks: the coarse one, the timers of sessions, and the
  // end of lingering. A timer is an operation, too (io_uring_prep_timeout(3)), so no wait has a time-out of its own.
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
  const std::unique_ptr<Offload> offload_;  // Null if it has no helpers.
  const std::unique_ptr<Acceptor> acceptor_;
  std::vector<Port> ports_;  // Never resized while the loop runs: operations point to them.
  UringShared shared_;
  std::unique_ptr<ConnectedUdpPeers> peers_;  // The UDP peers that are answered from a port of their own.
  std::vector<UringConnection*> turn_;        // The connections that were due when Proceed() began.
  bool inbox_ended_ = false;                  // No more clients come through it.
  bool is_drained_ = false;                   // The server stops, and all clients that had connected before were taken.
  bool awaits_linger_end_ = false;
  Timer::Clock::time_point alarm_at_ = Timer::Clock::time_point::max();  // When kAlarm fires; max(): none is under way.
  // The times of the timers under way. The kernel reads them when they are submitted, so they must not be locals.
  __kernel_timespec tick_ = {};
  __kernel_timespec linger_ = {};
  __kernel_timespec timer_ = {};
  __kernel_timespec pause_ = {};
  __kernel_timespec grace_ = {};
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_URING_URING_LOOP_H_
