// UdpSocket: a socket that all peers send to, and their conversations, by address. For the models in which one thread
// serves all clients: a peer has no socket of its own, and costs no system call while it is silent.
//
//   recvmsg ─▶ address ─▶ Peer (conversation) ─▶ TakeDatagramSteps ─▶ sendmsg
//                 └─ unknown: a new Peer, if UdpSources, the table and the connection limit allow it
//
// The unit of work is a datagram. It is answered before the next one is received, so one Output serves all peers: if
// the socket takes no more, the output stays as it is, nothing is received, and GoOn() follows when there is room. One
// thread; only Drain() blocks.
//
// Addresses can be forged, so what is remembered is bounded: if there are kMaxPeers, a new one takes the place of the
// stateless one (Session::is_stateless()) that has been silent for longest, or else of such a one that was never
// verified (Session::is_verified()); if all are known to be there, the new one is refused. Some senders are never
// answered: see UdpSources.
#ifndef POLYSERVE_BACKENDS_UDP_UDP_SOCKET_H_
#define POLYSERVE_BACKENDS_UDP_UDP_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "backends/connection/timers.h"
#include "net/datagram.h"
#include "net/udp_sources.h"
#include "net/wake_list.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

class UdpSocket {
 public:
  // A peer costs up to about half a KiB with its session, so this bounds a socket's table to some megabytes.
  static constexpr size_t kMaxPeers = 10'000;

  // All must outlive it. The listener is one of datagrams, and non-blocking. The caller has to call timers.RingDue(),
  // for the sessions' timers, and wakes.Deliver(), for sessions that have mail.
  UdpSocket(const Listener& listener, ServerContext& context, Timers& timers, WakeList& wakes);
  ~UdpSocket();

  int fd() const { return listener_.fd.get(); }

  // Answers up to kDatagramsPerTurn datagrams, or goes on sending. False: neither could be done, so wait for fd().
  bool Serve();

  // Something is still to be sent: call Serve() when the socket is writable. Until then nothing is received.
  bool is_blocked() const { return blocked_.has_value(); }

  // To be called kTicksPerTimeout times per idle time-out (net/coarse_clock.h): forgets the peers that have been silent
  // for that long.
  void OnTick();

  // The server stops: answers what has come before, and forgets all peers. Blocks for room to send, 100 ms at most for
  // each datagram, and gives up at the first one that waits in vain.
  void Drain();

  size_t peers() const { return peers_.size(); }

 private:
  // Peers in the order in which they give way to new ones; see above. Within a rank, the one served last is last.
  enum Rank { kStateless, kUnverified, kKnown };
  struct Peer;
  using Peers = std::list<Peer>;
  struct Mail;  // What looks after a session's mailbox.
  struct Peer {
    Peer(const DatagramPath& path, std::unique_ptr<Session> session, uint32_t last_served);
    ~Peer();

    DatagramPath path;
    Conversation conversation;
    std::unique_ptr<Mail> mail;  // Null if it has no mailbox.
    uint32_t last_served;        // In ticks.
    Rank rank = kUnverified;
    std::unique_ptr<Timer> timer = nullptr;  // The session's; null if it has never set one.
  };

  // Serving a datagram, and what follows from it.
  bool ServeOne();
  void Show(absl::string_view datagram, Peers::iterator peer);
  void OnTimer(Peers::iterator peer);
  void OnMail(Peers::iterator peer);
  bool TakeSteps(Peers::iterator peer);
  bool GoOn();
  void End(Peers::iterator peer);
  void SetTimer(Peers::iterator peer, absl::Duration after);

  // The table of peers.
  Peers::iterator Find(const DatagramPath& path);
  void Refuse(const DatagramPath& path, absl::string_view why);
  bool MakeRoom();
  bool Enter();
  bool Evict();
  void Place(Peers::iterator peer);
  void Forget(Peers::iterator peer);

  Peers& ListOf(const Peer& peer) { return by_rank_[peer.rank]; }
  Peers::iterator none() { return by_rank_[kKnown].end(); }

  const Listener& listener_;
  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  Timers& timers_;
  WakeList& wakes_;
  uint32_t ticks_ = 0;
  const UdpSources sources_;
  Peers by_rank_[3];                                          // All peers,
  absl::flat_hash_map<DatagramPath, Peers::iterator> peers_;  // and where to find each.
  std::optional<Peers::iterator> blocked_;                    // The peer whose output the socket did not take,
  Output output_{Output::Kind::kDatagrams};                   // and that output; empty if there is none.
  char buffer_[kMaxDatagramBytes];
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_UDP_SOCKET_H_
