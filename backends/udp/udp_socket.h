// UdpSocket: a socket that all peers send to, and their sessions, by address. For the models in which one thread
// serves everybody: no peer has a socket of its own, or costs a system call while it is silent. The unit of work is a
// datagram. One thread; it never blocks.
//
// Addresses can be spoofed, so what is remembered is bounded: of kMaxPeers, a new one takes the place of the blank one
// (Session::is_stateless()) that has been silent for longest, or else of the one that was never verified
// (Session::is_verified()); where all are known, it is refused. Some senders are never answered: see UdpSources.
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

class UdpSocket {
 public:
  static constexpr size_t kMaxPeers = 10'000;

  // All must outlive it. The listener is one of datagrams. The timers are for sessions that ask for the time, and to be
  // rung by the caller; the list is for sessions that have mail, and to be delivered by it.
  UdpSocket(const Listener& listener, ServerContext& context, Timers& timers, WakeList& wakes);
  ~UdpSocket();

  int fd() const { return listener_.fd.get(); }

  // Answers what has come, for a turn. False where nothing had, and the socket took nothing that was still to be sent.
  bool Serve();

  // Something is still to be sent: call Serve() when the socket is writable. Until then nothing is received.
  bool is_blocked() const { return blocked_.has_value(); }

  // To be called kTicksPerTimeout times per idle time-out (net/coarse_clock.h): forgets the peers that were silent
  // for so long.
  void OnTick();

  // The server stops: answers all that has come before, and forgets everybody.
  void Drain();

  size_t peers() const { return peers_.size(); }

 private:
  enum Rank { kBlank, kUnverified, kKnown };  // In the order in which they give way to others.
  struct Peer;
  using Peers = std::list<Peer>;  // In the order in which they were last served.
  struct Mail;                    // What looks after a session's mailbox.
  struct Peer {
    Peer(const DatagramPath& path, std::unique_ptr<Session> session, uint32_t last_served);
    ~Peer();

    DatagramPath path;
    std::unique_ptr<Session> session;
    std::unique_ptr<Mail> mail;  // Null where it has no mailbox.
    uint32_t last_served;        // In ticks.
    Rank rank = kUnverified;
    std::unique_ptr<Timer> wake = nullptr;  // Null where it has never needed one.
  };
  struct Blocked {  // What the socket did not take.
    DatagramPath path;
    Output output;
  };

  bool ServeOne();
  void Show(absl::string_view datagram, Peers::iterator peer);
  void TellTime(Peers::iterator peer);
  void TellMail(Peers::iterator peer);
  void Answer(Peers::iterator peer);
  bool PerformAll(Peers::iterator peer);
  bool Perform(const DatagramPath& path, Output& output);
  bool GoOn();
  void SetTimer(Peers::iterator peer, absl::Duration after);
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
  Peers by_rank_[3];
  absl::flat_hash_map<DatagramPath, Peers::iterator> peers_;
  std::optional<Blocked> blocked_;
  Output output_{Output::Kind::kDatagrams};  // Empty between datagrams.
  char buffer_[kMaxDatagramBytes];
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_UDP_SOCKET_H_
