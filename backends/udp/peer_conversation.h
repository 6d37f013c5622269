// PeerConversation: what is done for a peer that sends datagrams and has a socket of its own, whoever waits for that
// socket: shows the session each datagram, and sends what it answers.
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
  // The connection limit is null where there is no bound on connections.
  PeerConversation(Connection peer, Counters& counters, ConnectionLimit* connection_limit);
  ~PeerConversation();

  // What to wait for: input on any of them, or, while is_blocked(), that the first one takes output.
  int socket() const { return socket_.get(); }
  int misdelivered() const { return has_let_go_ ? -1 : misdelivered_.get(); }  // -1 when there will be none any more.

  // Answers what has come, oldest first, without waiting for it: up to so many datagrams, by way of a buffer of
  // kMaxDatagramBytes. Returns how many there were.
  int Answer(char* buffer, int most);
  // The time that the session has asked for has come. Not while is_blocked().
  void TellTime();
  // Where others leave messages for the peer; null where nobody does.
  Mailbox* mailbox() const { return session_->mailbox(); }
  // Shows what has been collected there. False where there was too much of it, so that the peer is cut off.
  bool ShowMail();
  // Goes on sending.
  void GoOn() { Perform(); }

  bool is_blocked() const { return !output_.empty(); }  // Of non-blocking sockets.
  bool is_over() const { return has_gone_ || (must_leave_ && gives_way()) || (output_.closing() && output_.empty()); }
  bool idle() const { return output_.empty() && session_->idle(); }
  bool is_stateless() const { return session_->is_stateless(); }
  bool asks_for_wake() const { return !is_blocked() && output_.asks_for_wake(); }
  absl::Duration TakeWakeIn() { return output_.TakeWakeIn(); }

  // Ends the conversation: what the peer has sent that was not shown yet, and all that it sends from now on, is for its
  // next one. What cannot be passed on to that, for example since the server stops (`passes_on` is false then), is
  // answered here, by a session of its own if this one is over. Takes some milliseconds if the peer has a socket on the
  // listener's port. Returns whether something was answered here: then the session is to be served until it is idle.
  // The mailbox may be gone afterwards.
  bool LetGo(char* buffer, bool passes_on);

 private:
  ssize_t ReceiveNext(char* buffer);
  ssize_t ReceiveOwn(char* buffer);
  ssize_t NextMisdelivered(char* buffer);
  void Show(absl::string_view datagram);
  // Others that need its place may have it.
  bool gives_way() const { return session_->is_stateless() || !session_->is_verified(); }
  void ShowToNext(absl::string_view datagram);
  void Perform();

  const UniqueFd socket_;
  UniqueFd misdelivered_;
  const Listener& listener_;
  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  std::unique_ptr<Session> session_;
  Output output_{Output::Kind::kDatagrams};
  bool has_gone_ = false;
  bool must_leave_ = false;      // The UDP acceptor needs its place,
  bool is_known_ = false;        // unless it was told that the peer is there.
  bool has_let_go_ = false;      // It reads no more misdelivered datagrams.
  bool is_turned_away_ = false;  // The socket is, so that it has to be told where to send to:
  DatagramPath path_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_PEER_CONVERSATION_H_
