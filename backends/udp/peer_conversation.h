// PeerConversation: the conversation with a peer that sends datagrams and has a socket of its own: shows the session
// each datagram, and sends its replies. It does not know how the socket is waited for, so it serves a thread or process
// for each peer (backends/blocking/udp_driver.h) as well as one thread for all (connected_peers.h).
//
// A peer is heard in two places. Its own socket gets what it sends to that; what reached the listener instead, before
// the socket was there or to begin something new, comes by a channel from the UDP acceptor: "misdelivered" datagrams,
// see backends/accept/udp_acceptor.h. What others send to a port of its own goes to a third socket, for "strays": RFC
// 1350, section 4, wants them answered, without disturbing the transfer.
//
//   open ──is_over(), idle for too long, the server stops──▶ LetGo() ──idle()──▶ destroyed
//
// One thread at a time. Never blocks if the socket does not, apart from LetGo().
#ifndef POLYSERVE_BACKENDS_UDP_PEER_CONVERSATION_H_
#define POLYSERVE_BACKENDS_UDP_PEER_CONVERSATION_H_

#include <sys/types.h>

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "base/mailbox.h"
#include "base/unique_fd.h"
#include "net/datagram.h"
#include "net/statistics.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

class PeerConversation {
 public:
  // The peer was accepted and counted; the destructor counts its end. Its listener must outlive this. The connection
  // limit is null if there is no bound on connections.
  PeerConversation(Connection peer, Counters& counters, ConnectionLimit* connection_limit);
  ~PeerConversation();

  // How many strays are looked at. Enough for any mistake; a flood of them is the kernel's to refuse after that, and
  // costs the transfer no more time.
  static constexpr int kMostStrays = 8;

  // What to wait for: input on any of them, or, while is_blocked(), that the first one takes output.
  int socket() const { return socket_.get(); }
  int misdelivered() const { return has_let_go_ ? -1 : misdelivered_.get(); }  // -1 when there will be none any more.
  int strays() const { return strays_.get(); }                                 // -1 if none are looked at any more.

  // Answers what has come, oldest first, without waiting for it: at most `most` datagrams, read into `buffer` of
  // kMaxDatagramBytes. Stops early if a reply does not fit into the socket, or the conversation is over. Returns how
  // many there were.
  int Answer(char* buffer, int most);
  // Answers the strays that have come, without waiting for any. `buffer` as above.
  void AnswerStrays(char* buffer);
  // The time that the session has asked for has come. Not while is_blocked().
  void TellTime();
  // Where others leave messages for the peer; null if the session has none.
  Mailbox* mailbox() const { return session_->mailbox(); }
  // Shows what has been collected there. False if the peer was cut off, since there was too much of it: then the
  // closing message was sent, if the socket took it, and the conversation has to be ended.
  bool ShowMail();
  // Goes on sending. Call it when the socket takes output again.
  void GoOn() { Perform(); }

  // A reply does not fit into the socket, which happens to non-blocking ones only. Nothing is received meanwhile.
  bool is_blocked() const { return !output_.empty(); }
  // The conversation has ended: the peer has gone, others need its place, or the session has closed it.
  bool is_over() const { return has_gone_ || (must_leave_ && gives_way()) || (output_.closing() && output_.empty()); }
  // Ending it now would cut nothing off.
  bool idle() const { return output_.empty() && session_->idle(); }
  bool is_stateless() const { return session_->is_stateless(); }
  // The session has set a timer: TakeWakeIn() says in how long to call TellTime(), and forgets it.
  bool asks_for_wake() const { return !is_blocked() && output_.asks_for_wake(); }
  absl::Duration TakeWakeIn() { return output_.TakeWakeIn(); }

  // Ends the conversation: what the peer has sent that was not shown yet, and all that it sends from now on, is for its
  // next one. What cannot be passed on to that, for example since the server stops (`passes_on` is false then), is
  // answered here, by a session of its own if this one is over. Takes some milliseconds if the peer has a socket on the
  // listener's port. Returns whether something was answered here: then the session is to be served until it is idle.
  // The mailbox may be gone afterwards.
  bool LetGo(char* buffer, bool passes_on);

 private:
  // The next datagram in the order in which the peer has sent them, as far as that can be known; from the peer's socket
  // alone; from the channel alone. They return its size, which may be 0, or -1 if there is none.
  ssize_t ReceiveNext(char* buffer);
  ssize_t ReceiveOwn(char* buffer);
  ssize_t NextMisdelivered(char* buffer);
  void Show(absl::string_view datagram);
  // Another peer that needs its place may have it.
  bool gives_way() const { return session_->is_stateless() || !session_->is_verified(); }
  void ShowToNext(absl::string_view datagram);
  void Perform();

  const UniqueFd socket_;
  UniqueFd misdelivered_;
  UniqueFd strays_;  // Not open if the peer talks to the listener's port, or the system had no descriptor left.
  int strays_left_ = kMostStrays;
  const Listener& listener_;
  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  std::unique_ptr<Session> session_;
  Output output_{Output::Kind::kDatagrams};
  bool has_gone_ = false;        // The peer's host refuses what is sent to it.
  bool must_leave_ = false;      // The UDP acceptor wants its place for another peer.
  bool is_known_ = false;        // TellKnown() was called: from now on the UDP acceptor does not want it.
  bool has_let_go_ = false;      // It reads no more misdelivered datagrams.
  bool is_turned_away_ = false;  // The socket is not connected to the peer any more, so each send has to name
  DatagramPath path_;            // where it goes.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_PEER_CONVERSATION_H_
