// UdpAcceptor: accepts the peers of a socket of datagrams, where each gets a process or a thread, or is to be answered
// from a port of its own: a peer that is new gets a socket, connected to it (net/datagram.h). One thread.
//
// What the peer sent before that socket was there waits at the listener all the same, behind its first datagram, or
// even comes there later (the kernel had chosen the listener already). So the UDP acceptor knows all peers, and has a
// channel to each of their sessions (a pair of Unix sockets, so that it reaches processes too): misdelivered datagrams,
// those of a known peer that reach the listener, are handed over through it, the first one included.
//
// A peer may send the first datagram of its next conversation while the one before it ends, and neither side can know
// which of the two will get it. So a session that ends stops reading the channel (shutdown), returns through it what it
// has not looked at, and closes it. As soon as the UDP acceptor sees the first of these, it keeps what comes for the
// peer; after the last the peer is a new one, whose datagrams are those returned, then those kept.
//
// Bounds: kMaxPeers have a socket at a time. If there are more, the one that came first of those whose sessions have
// not called TellKnown() is asked to leave; if there is none, the new one is refused. Datagrams that came while there
// was room for no peer stay with the kernel; up to kMaxPendingBytes of them are kept here: those that lay before those
// of a known peer, and those of peers whose conversation ends.
#ifndef POLYSERVE_BACKENDS_ACCEPT_UDP_ACCEPTOR_H_
#define POLYSERVE_BACKENDS_ACCEPT_UDP_ACCEPTOR_H_

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "net/datagram.h"

namespace polyserve {

class UdpAcceptor {
 public:
  static constexpr size_t kMaxPeers = 512;
  static constexpr size_t kMaxPendingBytes = 4 << 20;

  // The listener was made by BindUdp(), and must outlive the UDP acceptor.
  // Sockets of peers are on its address, and on its port unless they are to have ports of their own.
  // Datagrams of new peers that may not be answered are thrown away.
  using MayAnswer = std::function<bool(const DatagramPath&)>;
  static absl::StatusOr<std::unique_ptr<UdpAcceptor>> Open(
      int listener, bool own_ports = false, MayAnswer may_answer = [](const DatagramPath&) { return true; });

  // What a new peer's session is given.
  struct Arrival {
    UniqueFd socket;        // Blocking, and connected to the peer.
    UniqueFd misdelivered;  // The channel; non-blocking. See ReceiveMisdelivered().
  };
  // Hands over what has come for known peers, up to the next peer that is new. Never blocks; after a thousand
  // datagrams without a new peer it returns, so that other listeners have their turn.
  //   Unavailable         no new peer has come
  //   FailedPrecondition  one has, but there are too many already: its datagram is lost
  //   ResourceExhausted   one has, but the system has no descriptor left for it: likewise
  absl::StatusOr<Arrival> TryAccept();

  // Asks the session of a peer that may not be there at all to leave, as others need its place. False: there is none.
  bool AskOneToLeave();

  // Readable when TryAccept() may have something to do, unless has_pending() says so already.
  int wait_fd() const { return epoll_.get(); }
  bool has_pending() const { return !pending_.empty(); }
  // A conversation is just ending, after which there may be a new peer: wait_fd() tells when it has ended.
  bool awaits_end() const { return ending_ > 0; }
  // To be called when no more peers are to be accepted: from now on sessions can return nothing. Returns whether one
  // has just done so: then TryAccept() has to be called once more, and this again.
  bool EndReturns();

 private:
  struct Peer {
    DatagramPath path;
    UniqueFd channel;
    bool is_ending = false;                                  // Its session reads no more, or is about to.
    std::deque<std::string> next{};                          // What its next session is to be shown,
    size_t returned = 0;                                     // of which so many were returned by this one.
    std::optional<std::list<Peer*>::iterator> in_unknown{};  // Its place there.
    bool is_asked = false;                                   // To leave.
  };
  struct Datagram {
    DatagramPath path;
    std::string bytes;
  };

  using Peers = absl::flat_hash_map<DatagramPath, std::unique_ptr<Peer>>;

  UdpAcceptor(int listener, bool own_ports, MayAnswer may_answer, UniqueFd epoll)
      : listener_(listener), own_ports_(own_ports), may_answer_(std::move(may_answer)), epoll_(std::move(epoll)) {}

  void TakeReturned();
  bool TakeReturned(Peer& peer);
  void NoteEnding(Peer& peer);
  void Forget(Peers::iterator gone);
  bool TakeNext(Datagram& datagram);
  bool Receive(int fd, Datagram& datagram);
  bool HandOver(const Datagram& datagram);
  absl::StatusOr<Arrival> Accept(const Datagram& first);
  void SortPending();
  void NoteKnown(Peer& peer);
  bool KeepForNext(Peer& peer, absl::string_view bytes, size_t at);
  void Keep(Datagram datagram);

  const int listener_;
  const bool own_ports_;
  const MayAnswer may_answer_;
  const UniqueFd epoll_;  // Holds the listener, and all channels: the end of one tells that its peer is forgotten.
  Peers peers_;
  std::list<Peer*> unknown_;      // Those of them that may not be there at all, oldest first.
  size_t asked_ = 0;              // How many were asked to leave, and have not yet.
  std::deque<Datagram> pending_;  // Of peers that are not known yet.
  size_t pending_bytes_ = 0;      // Of these, and of all that is kept for next sessions.
  size_t ending_ = 0;             // How many peers are.
  char buffer_[kMaxDatagramBytes];
};

// For sessions. Takes the next misdelivered datagram out of the channel, without waiting, into `buffer` of
// kMaxDatagramBytes. Returns its size, which may be 0; -1 where there is none, with the errno EPIPE where there will be
// none any more. Sets `must_leave` where the session is asked to.
ssize_t ReceiveMisdelivered(int channel, char* buffer, bool& must_leave);

// True where ReceiveMisdelivered() would take one, or tell the end.
bool HasMisdelivered(int channel);

// Returns a datagram for the peer's next session. False where it cannot be: there is no UDP acceptor any more, or no
// room. With `may_wait` it waits for room, at most a second, and not beyond a signal: not for the UDP acceptor's
// thread.
bool ReturnDatagram(int channel, absl::string_view datagram, bool may_wait);

// Tells that the peer is known to be there, so that it keeps its place.
void TellKnown(int channel);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_UDP_ACCEPTOR_H_
