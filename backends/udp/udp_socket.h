// UdpSocket: a socket that all peers send to, and their sessions, by address. For the models in which one thread serves
// all clients: no peer has a socket of its own, or costs a system call while it is silent. The unit of work is a
// datagram. One thread; only Drain() blocks, for a moment.
//
//   datagram ─▶ its path (peer, local address) ─▶ session, an old or a new one ─▶ output ─▶ sent along the same path
//                                                                                   └▶ the socket is full: blocked_
//
// Addresses can be spoofed, so the table is bounded. If it is full, or the server is, a new peer takes the place of
// another one, looked for in this order; if there is none, it is refused:
//
//   blank        its session is as good as a new one (Session::is_stateless())
//   unverified   it has not shown yet that it receives what is sent to it (Session::is_verified()), so it may be forged
//   known        keeps its place until it is silent for the idle time-out, or its session closes
//
// Among equals the one that has been silent for longest goes. Some senders are never answered: see UdpSources.
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
#include "backends/connection/timers.h"
#include "net/datagram.h"
#include "net/udp_sources.h"
#include "net/wake_list.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

// All calls come from the thread of the loop, or of the model, that waits for fd(). A peer owns its session, which ends
// without a word when the peer is forgotten; the number of peers counts as connections in the statistics.
class UdpSocket {
 public:
  // Some hundred bytes each, so a flood of forged addresses costs some megabytes.
  static constexpr size_t kMaxPeers = 10'000;

  // All must outlive it. The listener is one of datagrams. The timers are for sessions that ask for the time, and the
  // list for sessions that have mail: the caller rings the one and delivers the other.
  UdpSocket(const Listener& listener, ServerContext& context, Timers& timers, WakeList& wakes);
  ~UdpSocket();

  // The socket: wait until it is readable, or, while is_blocked(), until it is writable.
  int fd() const { return listener_.fd.get(); }

  // Answers what has come, for a turn: kDatagramsPerTurn. False if nothing had, and the socket took nothing that was
  // still to be sent.
  bool Serve();

  // Something is still to be sent: call Serve() when the socket is writable. Until then nothing is received.
  bool is_blocked() const { return blocked_.has_value(); }

  // To be called kTicksPerTimeout times per idle time-out (net/coarse_clock.h): forgets the peers that were silent for
  // the time-out. They hear nothing of it; their next datagram begins a new conversation.
  void OnTick();

  // The server stops: answers what has come before, up to a bound, and forgets all peers. May wait for a full socket, a
  // tenth of a second for each reply; gives up when one of these waits is in vain.
  void Drain();

  // How many peers are remembered, silent ones included; 0: OnTick() has nothing to do.
  size_t peers() const { return peers_.size(); }

 private:
  enum Rank { kBlank, kUnverified, kKnown };  // In the order in which they give way to others.
  struct Peer;
  using Peers = std::list<Peer>;  // In the order in which they were last served.
  struct Mail;                    // The wake-up for a session's mailbox.
  struct Peer {
    Peer(const DatagramPath& path, std::unique_ptr<Session> session, uint32_t last_served);
    ~Peer();

    // Its key in the table. The local address is a part of it: a peer that talks to two addresses of this host has two
    // sessions.
    DatagramPath path;
    std::unique_ptr<Session> session;
    // Destroyed before the session, whose mailbox it watches. Null if there is no mailbox.
    std::unique_ptr<Mail> mail;
    uint32_t last_served;  // In ticks.
    Rank rank = kUnverified;
    std::unique_ptr<Timer> wake = nullptr;  // Null if it has never needed one.
  };
  // What the socket did not take: of one peer at most, since nothing is received until it is sent. It knows the path
  // and not the peer, which may be forgotten meanwhile.
  struct Blocked {
    DatagramPath path;
    Output output;
  };

  // The three reasons for which a session goes on: a datagram, its timer, its mail. Each may forget the peer.
  bool ServeOne();
  void Show(absl::string_view datagram, Peers::iterator peer);
  void TellTime(Peers::iterator peer);
  void TellMail(Peers::iterator peer);
  // Sends what the session has written to output_, runs its work, sets its timer; forgets the peer if it has closed.
  // PerformAll() leaves the last part to the caller: it returns false if the session has closed. Perform() returns
  // false if the socket is full. GoOn() continues with blocked_, and returns whether anything has moved.
  void Answer(Peers::iterator peer);
  bool PerformAll(Peers::iterator peer);
  bool Perform(const DatagramPath& path, Output& output);
  bool GoOn();
  void SetTimer(Peers::iterator peer, absl::Duration after);
  // The table: by path, and by rank in the order of service. A new peer needs room in the table, and a place within the
  // connection limit. Forget() invalidates the iterator, and calls nothing of the session but its destructor.
  Peers::iterator Find(const DatagramPath& path);
  void Refuse(const DatagramPath& path, absl::string_view why);
  bool MakeRoom();
  bool Enter();
  bool Evict();
  void Place(Peers::iterator peer);
  void Forget(Peers::iterator peer);
  Peers& ListOf(const Peer& peer) { return by_rank_[peer.rank]; }
  Peers::iterator nobody() { return by_rank_[kKnown].end(); }

  const Listener& listener_;
  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  Timers& timers_;
  WakeList& wakes_;
  uint32_t ticks_ = 0;
  const UdpSources sources_;
  // Owns the peers. Lists, because the map, the timers and the mail hold iterators, which a change of rank keeps valid.
  Peers by_rank_[3];
  absl::flat_hash_map<DatagramPath, Peers::iterator> peers_;
  std::optional<Blocked> blocked_;
  Output output_{Output::Kind::kDatagrams};  // Empty between datagrams.
  char buffer_[kMaxDatagramBytes];
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_UDP_SOCKET_H_
