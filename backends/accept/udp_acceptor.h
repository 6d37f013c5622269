// UdpAcceptor: accepts the peers of a socket of datagrams if each gets a process or a thread, or is to be answered from
// a port of its own: a new peer gets a socket that is connected to it (net/datagram.h). One thread.
//
//   listener ─▶ TryAccept() ─┬▶ new peer:    socket ─▶ its session
//                   ▲        └▶ known peer:  channel ─▶ its session      misdelivered datagrams
//                   └──────── channel ◀── what the session has not looked at when it ends
//
// What a peer sent before its socket was there waits at the listener all the same, behind its first datagram, or even
// comes there later (the kernel had chosen the listener already). So the UDP acceptor knows all peers, and has a
// channel to each of their sessions (a pair of Unix sockets, which reaches processes as well). Through it go the
// misdelivered datagrams, those of a known peer that reach the listener, the first one included.
//
// A peer may send the first datagram of its next conversation while the one before it ends, and neither side can know
// which of the two will get it. So a session that ends stops reading the channel (shutdown), returns through it what it
// has not looked at, and closes it. As soon as the UDP acceptor sees the first of these, it keeps what comes for the
// peer. After the last, the peer counts as new: its datagrams are those returned, then those kept.
//
// Bounds: at most kMaxPeers have a socket at a time. If there are more, the peer that came first of those whose
// sessions have not called TellKnown() is asked to leave; if there is none, the new peer is refused. Datagrams for
// which there is no room yet stay with the kernel. Up to kMaxPendingBytes of them are kept here: those that lay before
// the datagrams of a known peer, and those of peers whose conversation ends.
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
  // Peers that have a socket at the same time. Each may cost a process or a thread, and its address may be forged.
  static constexpr size_t kMaxPeers = 512;
  // Bytes that are kept here, with an estimate of what keeping them costs. Beyond it a datagram is lost, as in a full
  // socket.
  static constexpr size_t kMaxPendingBytes = 4 << 20;

  // Asked once for each datagram of a new peer: false if the peer may not be answered; the datagram is then dropped.
  using MayAnswer = std::function<bool(const DatagramPath&)>;

  // `listener` was made by BindUdp(), and must outlive the UDP acceptor. The sockets of peers are on its address, and
  // on its port unless `own_ports`. Fails if no descriptor is left for an epoll.
  static absl::StatusOr<std::unique_ptr<UdpAcceptor>> Open(
      int listener, bool own_ports = false, MayAnswer may_answer = [](const DatagramPath&) { return true; });

  // What a new peer's session gets.
  struct Arrival {
    UniqueFd socket;        // Blocking, and connected to the peer.
    UniqueFd misdelivered;  // The channel; non-blocking. See ReceiveMisdelivered().
  };

  // Hands over what has come for known peers, up to the next peer that is new, and accepts that. Never blocks. After a
  // thousand datagrams without a new peer it returns, so that other listeners have their turn.
  //   Unavailable         no new peer has come
  //   FailedPrecondition  one has, but there are too many already: its datagram is lost
  //   ResourceExhausted   one has, but the system has no descriptor left for it: likewise
  absl::StatusOr<Arrival> TryAccept();

  // Asks the session of a peer whose address may be forged to leave, because its place is needed. False: there is none.
  // The place is free when the session has closed its channel.
  bool AskOneToLeave();

  // Readable when TryAccept() may have something to do, unless has_pending() says so already: what is pending has been
  // read, so no descriptor shows it.
  int wait_fd() const { return epoll_.get(); }
  bool has_pending() const { return !pending_.empty(); }
  // A conversation is ending, after which there may be a new peer; wait_fd() becomes readable when it has ended.
  bool awaits_end() const { return ending_ > 0; }
  // Call it when no more peers are to be accepted: from now on sessions can return nothing, and answer what they have.
  // True if one has returned something just before: then call TryAccept() until Unavailable, and this again.
  bool EndReturns();

 private:
  struct Peer {
    DatagramPath path;
    UniqueFd channel;
    bool is_ending = false;                                  // Its session reads no more, or is about to.
    std::deque<std::string> next{};                          // What its next session will be shown:
    size_t returned = 0;                                     // this many that were returned, then those kept.
    std::optional<std::list<Peer*>::iterator> in_unknown{};  // Its place in unknown_, while it is unknown.
    bool is_asked = false;                                   // It was asked to leave.
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
  std::list<Peer*> unknown_;      // Those whose sessions have not called TellKnown(), oldest first.
  size_t asked_ = 0;              // How many of them were asked to leave, and are still there.
  std::deque<Datagram> pending_;  // Of peers that are not known yet.
  size_t pending_bytes_ = 0;      // Of these, and of all that is kept for next sessions.
  size_t ending_ = 0;             // How many peers have is_ending.
  char buffer_[kMaxDatagramBytes];
};

// --- For sessions, in any thread or process. ---

// Takes the next misdelivered datagram out of the channel, without waiting, into `buffer` of kMaxDatagramBytes. Returns
// its size, which may be 0; -1 if there is none, with the errno EPIPE if there will be none any more. Sets `must_leave`
// if the UDP acceptor asks the session to leave.
ssize_t ReceiveMisdelivered(int channel, char* buffer, bool& must_leave);

// True if ReceiveMisdelivered() would return one, or report the end.
bool HasMisdelivered(int channel);

// Returns a datagram for the peer's next session. False if that is impossible: there is no UDP acceptor any more, or no
// room. With `may_wait` it waits for room, at most a second, and not beyond a signal: not for the UDP acceptor's own
// thread, which would wait for itself.
bool ReturnDatagram(int channel, absl::string_view datagram, bool may_wait);

// Reports that the peer has shown that it is there, so that it keeps its place.
void TellKnown(int channel);

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_ACCEPT_UDP_ACCEPTOR_H_
