// ListenerWait: waits with poll(2) for the next client on any listener, and answers signals meanwhile. For models whose
// only wait is for clients; event loops have their own. Belongs to the main thread, which takes the signals.
//
//   wait.Wait({});  // Returns when a client, a signal, or a place in a full server is there.
//   absl::StatusOr<Connection> client = wait.TakeSeen(try_accept);
//
//   Wait() ─▶ TakeSeen() ─┬▶ a client
//     ▲                   ├▶ Unavailable ─────────────────────────────────────┐
//     │                   └▶ a shortage: looks for no clients for 100 ms ─────┤
//     └───────────────────────────────────────────────────────────────────────┘
#ifndef POLYSERVE_BACKENDS_ACCEPT_LISTENER_WAIT_H_
#define POLYSERVE_BACKENDS_ACCEPT_LISTENER_WAIT_H_

#include <poll.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "net/deadline.h"

namespace polyserve {

class Admission;
class UdpPeers;

class ListenerWait {
 public:
  // What Acceptor::TryAccept() does.
  using TryAccept = absl::FunctionRef<absl::StatusOr<Connection>(const Listener&)>;

  // What ends a wait, besides signals. Clients alone by default.
  struct Awaited {
    bool clients = true;
    // A descriptor of the caller's: the wait ends when it is readable, but does not say so. -1: none.
    int also = -1;
    absl::Duration at_most = absl::InfiniteDuration();
  };

  // All must outlive it, and the context's listeners must stay where they are.
  ListenerWait(ServerContext& context, UdpPeers& udp_peers, Admission& admission)
      : context_(context), udp_peers_(udp_peers), admission_(admission) {}

  // Blocks until one of these is there, or a signal, which it answers (AnswerCommonSignals()), except for a stop: look
  // at Signals::stopping(). May return before anything has come (EINTR). Unless peers are AcceptUdp::kNone, datagrams
  // end it at every listener that takes them, even if their peers are not accepted. Looks for no clients during a
  // pause, and at no listener of connections while the server is full.
  void Wait(const Awaited& awaited);

  // Accepts one of the clients that the last Wait() has seen, without waiting. Begins behind the listener that had one
  // last, so that a busy listener does not starve the others. Begins a pause after a shortage. Call Wait() first.
  // Unavailable: it has seen none, or all of them have left or were refused.
  absl::StatusOr<Connection> TakeSeen(TryAccept try_accept);

  // After a shortage: Wait() looks for no clients for kShortagePause (net/shortage.h). Their descriptors stay readable
  // all that time, so that a wait which looked at them would end at once, over and over.
  void Pause();
  bool pauses() const { return pause_.has_value() && !pause_->passed(); }

 private:
  void Prepare();
  int Timeout(const Awaited& awaited) const;
  bool NotePending();

  ServerContext& context_;
  UdpPeers& udp_peers_;
  Admission& admission_;
  // First the signals, then the one awaited also, then capacity, then the listeners in their order.
  std::vector<pollfd> waits_;
  size_t first_ = 0;  // The listener that is looked at first, modulo their number.
  std::optional<Deadline> pause_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_LISTENER_WAIT_H_
