// PeerDesk: accepts the peers of a socket of datagrams, where each gets a process or a thread, or is to be answered
// from a port of its own: a peer that is new gets a socket, connected to it (net/datagram.h). One thread.
//
// What the peer sent before that socket was there waits at the listener all the same, behind its first datagram, or
// even comes there later (the kernel had chosen the listener already). So the desk knows all peers, and has a channel
// to each of their sessions (a pair of Unix sockets, so that it reaches processes too): datagrams that stray to the
// listener are handed over by it, the first one included.
//
// A peer may send the first datagram of its next conversation while the one before it ends, and neither side can know
// which of the two will get it. So a session that ends stops reading the channel (shutdown), returns through it what it
// has not looked at, and closes it. From the first of these on the desk keeps what comes for the peer; after the last
// the peer is a new one, whose datagrams are those returned, then those kept.
//
// Bounds: kMaxPeers have a socket at a time, others are refused. Datagrams that came while there was room for no peer
// stay with the kernel; up to kMaxPendingBytes of them are kept here: those that lay before those of a known peer, and
// those of peers whose conversation ends.
#ifndef POLYSERVE_BACKENDS_PEER_DESK_H_
#define POLYSERVE_BACKENDS_PEER_DESK_H_

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "net/datagram.h"

namespace polyserve {

class PeerDesk {
 public:
  static constexpr size_t kMaxPeers = 512;
  static constexpr size_t kMaxPendingBytes = 4 << 20;

  // The listener was made by BindUdp(), and must outlive the desk.
  // Sockets of peers are on its address, and on its port unless they are to have ports of their own.
  static absl::StatusOr<std::unique_ptr<PeerDesk>> Open(int listener, bool own_ports = false);

  // What a new peer's session is given.
  struct Arrival {
    UniqueFd socket;  // Blocking, and connected to the peer.
    UniqueFd strays;  // Non-blocking; see ReceiveStray().
  };
  // Hands over what has come for known peers, up to the next one that is new. Unavailable: nobody new has come. All
  // else: one has, but cannot be served, so its datagram is lost. FailedPrecondition: there are too many already.
  // ResourceExhausted: the system has no descriptor left for it.
  absl::StatusOr<Arrival> TryAccept();

  // Readable when TryAccept() may have something to do, unless has_pending() says so already.
  int wait_fd() const { return epoll_.get(); }
  bool has_pending() const { return !pending_.empty(); }
  // A conversation is just ending, after which there may be a new peer: wait_fd() tells when it has ended.
  bool awaits_end() const { return ending_ > 0; }

 private:
  struct Peer {
    DatagramPath path;
    UniqueFd channel;
    bool is_ending = false;          // Its session reads no more.
    std::deque<std::string> next{};  // What its next session is to be shown,
    size_t returned = 0;             // of which so many were returned by this one.
  };
  struct Datagram {
    DatagramPath path;
    std::string bytes;
  };

  using Peers = absl::flat_hash_map<DatagramPath, std::unique_ptr<Peer>>;

  PeerDesk(int listener, bool own_ports, UniqueFd epoll)
      : listener_(listener), own_ports_(own_ports), epoll_(std::move(epoll)) {}

  void TakeReturned();
  bool TakeReturned(Peer& peer);
  void Forget(Peers::iterator gone);
  bool TakeNext(Datagram& datagram);
  bool Receive(int fd, Datagram& datagram);
  bool HandOver(const Datagram& datagram);
  absl::StatusOr<Arrival> Accept(const Datagram& first);
  void SortPending();
  bool KeepForNext(Peer& peer, absl::string_view bytes, size_t at);
  void Keep(Datagram datagram);

  const int listener_;
  const bool own_ports_;
  const UniqueFd epoll_;  // Holds the listener, and all channels: the end of one tells that its peer is forgotten.
  Peers peers_;
  std::deque<Datagram> pending_;  // Of peers that are not known yet.
  size_t pending_bytes_ = 0;      // Of these, and of all that is kept for next sessions.
  size_t ending_ = 0;             // How many peers are.
  char buffer_[kMaxDatagramBytes];
};

// Takes the next datagram that strayed to the listener, without waiting, into `buffer` of kMaxDatagramBytes. Returns
// its size, which may be 0; -1 where there is none.
ssize_t ReceiveStray(int strays, char* buffer);

// True where ReceiveStray() would take one.
bool HasStray(int strays);

// Returns a datagram for the peer's next session. False, and errno, where it cannot be: there is no desk any more, or
// no room. (The desk sends in the same way.)
bool SendStray(int strays, absl::string_view datagram);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_PEER_DESK_H_
