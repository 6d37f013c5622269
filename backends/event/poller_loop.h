// PollerLoop: libevent's loop with all that does not depend on how a client is served: the listeners and their pauses,
// the signals, the turns, a coarse clock for the idle time-out, and the way a stop goes. One thread.
//
// Where it is one of several, it has a WorkerRole: clients may come from an inbox, and others answer the signals.
#ifndef POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_
#define POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_

#include <event2/event.h>

#include <climits>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/server_context.h"
#include "backends/connection/fairness.h"
#include "backends/connection/offload.h"
#include "backends/connection/timers.h"
#include "backends/event/event_client.h"
#include "backends/event/event_loop.h"
#include "backends/event/event_udp_socket.h"
#include "backends/event/exclusive_wakeup.h"
#include "backends/udp/connected_peers.h"
#include "net/wake_list.h"

namespace polyserve {

enum class Trigger {
  kLevel,  // Readiness is told as long as it lasts.
  kEdge,   // Readiness is told once, when it begins: the reader has to go on until the socket is empty.
};

struct PollerLoopOptions {
  const char* method = nullptr;  // libevent's name for it; null: libevent's own choice.
  Trigger trigger = Trigger::kLevel;
  int max_descriptor = INT_MAX;  // Connections with larger ones are refused.
  int accepts_per_turn = kAcceptsPerTurn;
  Offload::Options offload = {};
};

// What is done with each client that was accepted; its socket is non-blocking. An EventClient is to join the loop, or
// else the connection is closed.
using StartClient = void (*)(Connection connection, EventShared& shared);

class PollerLoop : public EventLoop {
 public:
  // Whether libevent has the method and the trigger on this system; where not, what to do.
  static absl::Status Check(const PollerLoopOptions& options) { return MakeBase(options).status(); }

  // Watches the listeners, but does not serve yet. The context, and the role (null: it is alone), must outlive it.
  // Fails where Check() does, or for want of descriptors or memory.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(ServerContext& context, const WorkerRole* role,
                                                           const PollerLoopOptions& options, StartClient start);
  ~PollerLoop() override;  // Drops the clients that are left.

  absl::Status Run() override;

 private:
  using BasePointer = std::unique_ptr<event_base, void (*)(event_base*)>;
  using EventPointer = std::unique_ptr<event, void (*)(event*)>;
  struct Source {  // Where clients come from; what its callback is given.
    PollerLoop* loop;
    const Listener* listener;  // Null: the inbox.
    EventPointer event;
  };

  // libevent's loop with this method and no other.
  static absl::StatusOr<BasePointer> MakeBase(const PollerLoopOptions& options);

  PollerLoop(ServerContext& context, const WorkerRole* role, const PollerLoopOptions& options, StartClient start,
             std::unique_ptr<Acceptor> acceptor, BasePointer base, std::unique_ptr<WakeList> wakes,
             std::unique_ptr<Offload> offload);

  absl::Status Watch();  // Adds the events of the listeners, the signals and the clock.
  bool WatchSource(const Listener* listener, int fd);
  void OnSignals();
  void OnClients(const Source& source);
  void Start(Connection connection);
  absl::Status CheckDescriptors() const;
  absl::Status OpenPeers();
  absl::Status WatchPeers();
  void OnTick();
  void OnNextTurn();
  void OnTimer() { wakes_->TakeWake(); }
  void AwaitAlarm();
  void PauseAccepting();
  void AwaitPlace();
  void OnCapacity();
  void SetAccepting(bool accepting);
  bool WaitBehindTheOthers(const Source& source);
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
  BasePointer base_;
  const bool has_epoll_;
  const int accepts_per_turn_;
  const int max_descriptor_;
  const std::unique_ptr<Acceptor> acceptor_;
  ExclusiveWakeup wake_one_;
  std::vector<Source> sources_;
  const std::unique_ptr<WakeList> wakes_;
  const std::unique_ptr<Offload> offload_;              // Null where it has no helpers.
  EventPointer woken_;                                  // By another thread.
  std::vector<std::unique_ptr<EventUdpSocket>> ports_;  // Of the listeners that take datagrams.
  std::unique_ptr<ConnectedUdpPeers> peers_;  // Those with a port of their own; null where no service has any.
  EventPointer signals_;
  EventPointer tick_;
  EventPointer peers_ready_;
  EventPointer next_turn_;
  EventPointer timer_;
  Timer::Clock::time_point alarm_at_;  // What alarm_ waits for; only while it is pending.
  EventPointer resume_accepting_;
  EventPointer place_;
  EventPointer grace_;  // The server stops: its end.
  bool takes_backlog_ = false;
  bool is_drained_ = false;  // All who had connected before the stop were taken.
  EventShared shared_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_EVENT_POLLER_LOOP_H_
