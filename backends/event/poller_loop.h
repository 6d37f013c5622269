// PollerLoop: the event loop, with all that does not depend on how a client is served: the listeners and their pauses,
// the signals, the turns, a coarse clock for the idle time-out, and the way a stop goes. One thread. How it waits is
// its Poller's concern.
//
// Timers are the time-out of the wait itself: a timerfd(2) would need a descriptor, and a system call whenever another
// timer becomes the first. Signals come through the descriptor of net/signals.h, which a handler writes to, and not
// through a signalfd(2): for that they would have to be blocked in every thread and unblocked in every child, a second
// SIGTERM could not end a loop that is busy, and the models that do not poll could not use it.
//
// Where it is one of several, it has a WorkerRole: clients may come from an inbox, and others answer the signals.
#ifndef POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_
#define POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/connection/timers.h"
#include "backends/event/event_client.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop_options.h"
#include "backends/poller/poller.h"
#include "backends/poller/watched_fd.h"

namespace polyserve {

class Acceptor;
class ConnectedUdpPeers;
class EventUdpSocket;
struct Connection;
struct Listener;
struct ServerContext;

class PollerLoop : public EventLoop {
 public:
  // Whether this system has such a poller; if not, what to do.
  static absl::Status Check(const PollerLoopOptions& options) { return options.make_poller(options.trigger).status(); }

  // Watches the listeners, but does not serve yet. The context, and the role (null: it is alone), must outlive it.
  // Fails where Check() does, or for want of descriptors or memory.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(ServerContext& context, const WorkerRole* role,
                                                           const PollerLoopOptions& options, StartClient start);
  ~PollerLoop() override;  // Drops the clients that are left.

  absl::Status Run() override;

 private:
  struct Source {  // Where clients come from.
    Source(PollerLoop& loop, const Listener* from, int fd);
    const Listener* const listener;  // Null: the inbox.
    WatchedFd ready;
  };

  PollerLoop(ServerContext& context, const WorkerRole* role, const PollerLoopOptions& options, StartClient start,
             std::unique_ptr<Acceptor> acceptor, std::unique_ptr<Poller> poller, std::unique_ptr<WakeList> wakes,
             std::unique_ptr<Offload> offload);

  absl::Status Watch();  // The listeners, the signals, and what wakes it.
  absl::Status WatchClients();
  absl::Status Turn();
  Poller::Clock::time_point EndOfWait() const;
  void OnSignals();
  void OnClients(Source& source);
  void Start(Connection connection);
  absl::Status CheckDescriptors() const;
  absl::Status OpenPeers();
  void OnTick();
  void PauseAccepting();
  void AwaitPlace();
  void OnCapacity();
  void SetAccepting(bool accepting);
  absl::Status WaitForClients(Source& source);
  void ResumeAccepting();
  void Stop();
  void OnGraceOver();
  void TellClients();
  void OnInboxEnd();
  void EndAccepting();
  void TakeBacklog();
  void OnDrained();
  bool has_inbox() const { return role_ != nullptr && role_->inbox != nullptr; }
  bool shares_listeners() const { return role_ != nullptr && role_->shares_listeners; }

  ServerContext& context_;
  const WorkerRole* const role_;
  const StartClient start_;
  const std::unique_ptr<Poller> poller_;
  const int accepts_per_turn_;
  const int max_descriptor_;
  const std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::unique_ptr<Source>> sources_;
  const std::unique_ptr<WakeList> wakes_;
  const std::unique_ptr<Offload> offload_;              // Null where it has no helpers.
  WatchedFd woken_;                                     // By another thread.
  std::vector<std::unique_ptr<EventUdpSocket>> ports_;  // Of the listeners that take datagrams.
  std::unique_ptr<ConnectedUdpPeers> peers_;  // Those with a port of their own; null where no service has any.
  std::unique_ptr<WatchedFd> peers_ready_;    // Null without these.
  WatchedFd signals_;
  std::unique_ptr<WatchedFd> capacity_;  // Null until the server is full for the first time.
  Timer tick_;
  Timer resume_accepting_;
  Timer grace_;  // The server stops: its end.
  bool takes_backlog_ = false;
  bool is_drained_ = false;  // All who had connected before the stop were taken.
  EventShared shared_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_
