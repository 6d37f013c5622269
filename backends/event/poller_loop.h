// PollerLoop: the event loop, with all that does not depend on how a client is served: the listeners and their pauses,
// the signals, the turns, a coarse clock for the idle time-out, and the way a stop goes. One thread. How it waits is
// its Poller's concern.
//
// One turn, in this order:
//
//   wait      until a descriptor is ready, the first timer is due, or at once if clients wait for their turn
//   dispatch  OnEvents() of what is ready: clients, listeners, signals, UDP sockets, wake-ups
//   line      OnTurn() of clients that are ready, in the order of --overload, for a moment; otherwise there is none
//   turns     OnTurn() of the clients that had used up the turn before
//   timers    those that are due: sessions' own, pauses, the coarse clock, the end of the grace
//   mail      OnReady() of clients with mail or with a finished task
//
// A stop:
//
//   signal, or the role's stop_fd ─▶ UDP sockets drained, OnStop() of all clients ─▶ backlog taken, listeners closed
//      ─▶ grace over: OnStop() once more ─▶ last client gone: Run() returns
//
// Timers are the time-out of the wait itself: a timerfd(2) would need a descriptor, and a system call whenever another
// timer becomes the first. Signals come through the descriptor of net/signals.h, which a handler writes to, and not
// through a signalfd(2): for that they would have to be blocked in every thread and unblocked in every child, a second
// SIGTERM could not end a loop that is busy, and the models that do not poll could not use it.
//
// If it is one of several loops, it has a WorkerRole: clients may come from an inbox, and the pool answers the signals.
#ifndef POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_
#define POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/connection/timers.h"
#include "backends/event/event_client.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop_options.h"
#include "backends/event/ready_line.h"
#include "backends/poller/poller.h"
#include "backends/poller/watched_fd.h"
#include "net/wake_list.h"

namespace polyserve {

class Acceptor;
class ConnectedUdpPeers;
class EventUdpSocket;
struct Connection;
struct Listener;
struct ServerContext;

class PollerLoop : public EventLoop {
 public:
  // Whether this system has such a poller, with such a trigger; if not, the message says what to do. Makes one for a
  // moment, so that a model can refuse before the server listens.
  static absl::Status Check(const PollerLoopOptions& options) { return options.make_poller(options.trigger).status(); }

  // Watches the listeners, but does not serve yet. The context, and the role (null: it is alone), must outlive it.
  // Fails if Check() does, for want of descriptors or memory, or, with ResourceExhausted, if the loop's own descriptors
  // are above max_descriptor.
  static absl::StatusOr<std::unique_ptr<PollerLoop>> Create(ServerContext& context, const WorkerRole* role,
                                                            const PollerLoopOptions& options, StartClient start);
  ~PollerLoop() override;  // Drops the clients that are left.

  // See EventLoop. Blocks in the poller alone. Also serves the datagrams of its listeners, and peers with ports of
  // their own.
  absl::Status Run() override;

  // What Run() is made of, for several threads that take turns at one loop under a mutex (leader.cc). All of them are
  // called with the mutex held; the poller releases it while it waits, and one thread at a time is in Turn().
  //
  // One iteration, as described above. Fails only if the poller does.
  absl::Status Turn();
  // How long Turn() may wait: not at all if a client waits for its turn or has mail, else until the first timer.
  Poller::Clock::time_point EndOfWait() const;
  // The server stops, the backlog is taken, and the last client has left.
  bool is_over() const;
  // Ends the wait of the thread that is in Turn().
  void Interrupt() { wakes_->Interrupt(); }

 private:
  // Where clients come from: a listener, or the inbox. Watched only while the loop accepts.
  struct Source {
    Source(PollerLoop& loop, const Listener* from, int fd);
    const Listener* const listener;  // Null: the inbox.
    WatchedFd ready;
  };

  PollerLoop(ServerContext& context, const WorkerRole* role, const PollerLoopOptions& options, StartClient start,
             std::unique_ptr<Acceptor> acceptor, std::unique_ptr<Poller> poller, std::unique_ptr<WakeList> wakes,
             std::unique_ptr<Offload> offload);

  absl::Status Watch();  // The listeners, the signals, and what wakes it.
  absl::Status WatchClients();
  // Events of the loop's own descriptors and timers. OnClients() takes at most accepts_per_turn_ clients, or a single
  // one if other loops wait at the same listener, so that the next client is theirs.
  void OnSignals();
  void OnClients(Source& source);
  void ServeLine();
  void Start(Connection connection);
  absl::Status CheckDescriptors() const;
  absl::Status OpenPeers();
  void OnTick();
  // Accepting stops for a while: after a shortage until a timer, while the server is full until capacity_ is readable.
  //
  //   accepting ──no descriptor left──▶ PauseAccepting() ──kShortagePause──▶ ResumeAccepting() ─▶ accepting
  //             ──admits_ says no─────▶ likewise
  //             ──server is full──────▶ AwaitPlace() ──a connection ended──▶ OnCapacity() ─▶ likewise
  //
  // Clients wait in the kernel's queue meanwhile. During a stop, "accepting" is TakeBacklog().
  void PauseAccepting();
  void AwaitPlace();
  void OnCapacity();
  // Watches all sources, or none. If the system has no room to watch one of them, accepting pauses again.
  void SetAccepting(bool accepting);
  absl::Status WaitForClients(Source& source);
  void ResumeAccepting();
  // The steps of a stop, in their order. A loop with an inbox goes on taking clients until that ends (OnInboxEnd()),
  // because until then the pool deals out its own backlog.
  void Stop();
  void OnGraceOver();
  void TellClients();
  void OnInboxEnd();
  void EndAccepting();
  void TakeBacklog();
  void OnDrained();
  bool has_inbox() const { return role_ != nullptr && role_->inbox != nullptr; }
  bool shares_listeners() const { return role_ != nullptr && role_->shares_listeners; }

  // The owner of a descriptor is declared before the WatchedFd that watches it. The clients, which use most of the
  // members, are dropped by the destructor before any of them goes.
  ServerContext& context_;
  const WorkerRole* const role_;
  const StartClient start_;
  const std::unique_ptr<Poller> poller_;
  const std::function<bool()> admits_;  // May be null.
  const int accepts_per_turn_;
  const int max_descriptor_;
  const std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::unique_ptr<Source>> sources_;
  const std::unique_ptr<WakeList> wakes_;
  std::unique_ptr<Offload> offload_;                    // Null if it has no helpers.
  WatchedFd woken_;                                     // By another thread.
  std::vector<std::unique_ptr<EventUdpSocket>> ports_;  // Of the listeners that take datagrams.
  std::unique_ptr<ConnectedUdpPeers> peers_;            // Those with a port of their own; null if no service has any.
  std::unique_ptr<WatchedFd> peers_ready_;              // Null without these.
  WatchedFd signals_;
  std::unique_ptr<WatchedFd> capacity_;  // Null until the server is full for the first time.
  Timer tick_;
  Timer resume_accepting_;
  Timer grace_;                    // The server stops: its end.
  bool takes_backlog_ = false;     // The server stops, and the listeners are not closed yet.
  bool is_drained_ = false;        // All clients that had connected before the stop were taken.
  std::optional<ReadyLine> line_;  // Empty with Overload::kWait.
  EventShared shared_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_
