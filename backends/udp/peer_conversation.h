// PeerConversation: the conversation with one peer of datagrams that has a socket of its own, without the waiting: its
// state machine, its output, and its two sources of datagrams.
//
//   peer ───────────────────────▶ own socket ────────┐
//     └─▶ listener ─▶ UdpAcceptor ─▶ misdelivered ───┴─▶ Receive() ─▶ session ─▶ own socket ─▶ peer
//
// The second way is for what the peer sent before its socket was there (backends/accept/udp_acceptor.h). Its drivers
// are backends/blocking/udp_driver.h and connected_peers.h. One thread.
#ifndef POLYSERVE_BACKENDS_UDP_PEER_CONVERSATION_H_
#define POLYSERVE_BACKENDS_UDP_PEER_CONVERSATION_H_

#include <sys/types.h>

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "base/mailbox.h"
#include "base/unique_fd.h"
#include "net/datagram.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

class PeerConversation {
 public:
  // Takes over the peer's descriptors; all else must outlive it. The connection limit is null if there is no bound on
  // connections.
  PeerConversation(Connection peer, Counters& counters, ConnectionLimit* connection_limit);
  ~PeerConversation();

  // What to wait for: input on either of them, or, at kSend, that the first one takes output.
  int socket() const { return socket_.get(); }
  int misdelivered() const { return has_let_go_ ? -1 : misdelivered_.get(); }  // -1 once there will be none any more.

  // Takes the steps that need no wait, and returns the one that does; see TakeDatagramSteps(). kEnd: call LetGo().
  Step Next();

  // For kRead and kReadLast: shows the session the oldest datagram that has come, by way of a buffer of
  // kMaxDatagramBytes. Never blocks. False: nothing has come, so wait.
  bool Receive(char* buffer);

  // For kSetTimer; see Conversation.
  absl::Duration TakeTimer() { return conversation_->TakeTimer(output_); }
  void OnTimer() { conversation_->OnTimer(); }
  // The server stops: the conversation ends as soon as the peer is between two requests and all that has come is
  // answered. There is no grace, since the peer loses nothing: its next datagram would begin a new conversation anyway.
  void OnStop() { conversation_->OnStop(/*grace_over=*/true); }

  // Where other sessions leave messages for the peer; null if it hears no others.
  Mailbox* mailbox() const { return conversation_->mailbox(); }
  bool is_stateless() const { return conversation_->session().is_stateless(); }

  // Ends the conversation: what the peer has sent that was not shown yet, and all that it sends from now on, is for its
  // next one. What cannot be passed on to that, for example since the server stops (`passes_on` is false then), is
  // answered here, by a session of its own if this one is over. Takes some milliseconds if the peer has a socket on the
  // listener's port. Returns whether something was answered here: then go on with Next() until kEnd, which comes as
  // soon as the peer is between two requests. The mailbox may be gone afterwards. To be called once.
  bool LetGo(char* buffer, bool passes_on);
  bool has_let_go() const { return has_let_go_; }

 private:
  ssize_t ReceiveNext(char* buffer);
  ssize_t ReceiveOwn(char* buffer);
  ssize_t NextMisdelivered(char* buffer);
  void Show(absl::string_view datagram);
  // Others that need its place may have it.
  bool gives_way() const { return is_stateless() || !conversation_->session().is_verified(); }
  bool is_over() const { return has_gone_ || (must_leave_ && gives_way()) || conversation_->step() >= Step::kLinger; }
  void ShowToNext(absl::string_view datagram);

  const UniqueFd socket_;
  UniqueFd misdelivered_;
  const Listener& listener_;
  Counters& counters_;
  ConnectionLimit* const connection_limit_;
  std::optional<Conversation> conversation_;  // Empty only while one is replaced by the next.
  Output output_{Output::Kind::kDatagrams};
  bool has_gone_ = false;        // The peer has left its port.
  bool must_leave_ = false;      // The UDP acceptor needs its place,
  bool is_known_ = false;        // unless it was told that the peer is there.
  bool has_let_go_ = false;      // It reads no more misdelivered datagrams.
  bool is_turned_away_ = false;  // The socket is; it then needs an address for each send:
  DatagramPath path_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_UDP_PEER_CONVERSATION_H_
