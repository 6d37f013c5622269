// Session: one conversation with one peer, free of I/O. It never reads, writes or waits, and knows no model: a driver
// passes it the bytes received, and performs the actions that it appends to its Output. Every service is a Session;
// every model can drive it.
//
//   class EchoSession : public Session {
//     void OnInput(Input& input, Output& output) override {
//       output.Write(input.bytes());
//       input.ConsumeAll();
//     }
//   };
//
// Invariant, tested for every session by protocol/session_harness.h: the output does not depend on how the input is
// split into reads.
#ifndef POLYSERVE_PROTOCOL_SESSION_H_
#define POLYSERVE_PROTOCOL_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/ip_address.h"
#include "base/mailbox.h"
#include "protocol/output.h"

namespace polyserve {

// Why an overloaded server refuses a request, in the words of those protocols that have some; see OnOverload().
constexpr absl::string_view kOverloadReason = "the server has too much to do";

// The bytes received and not consumed yet, oldest first.
class Input {
 public:
  explicit Input(absl::string_view bytes, bool more_may_follow = false)
      : bytes_(bytes), more_may_follow_(more_may_follow) {}

  absl::string_view bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  void Consume(size_t count) { bytes_.remove_prefix(count); }
  void ConsumeAll() { bytes_ = absl::string_view(); }

  // True if the peer has probably sent more already. For sessions that decide which of several replies is the last.
  bool more_may_follow() const { return more_may_follow_; }

 private:
  absl::string_view bytes_;
  bool more_may_follow_;
};

class Session {
 public:
  virtual ~Session() = default;

  // Handles bytes from the peer.
  //   input   All bytes not consumed yet; never empty; valid during this call only. Consume from the front. The rest is
  //           passed again, with newer bytes behind it: remember how far you searched, so that the cost stays linear
  //           however finely a peer slices its input. Over UDP, each call passes exactly one datagram, which may be
  //           empty; what is left of it is dropped.
  //   output  Append actions here; the driver performs them in this order. Return as soon as !output.wants_more(): the
  //           rest of the input is passed again when there is room.
  //   Errors  A fault of the peer: reply in the protocol's own terms, then call output.Close(). A bug of ours: CHECK.
  //   Threads Calls to one session never overlap, but may come from different threads. Never block; see output.Work().
  //   Bound   The session leaves at most its documented number of bytes unconsumed, whatever the peer sends.
  virtual void OnInput(Input& input, Output& output) = 0;

  // The peer has finished sending (half-close); pending replies are still delivered. Called at most once, after all
  // input was passed. The last call but for OnResume(), unless the session outlives its input.
  virtual void OnEndOfInput(Output& output) { output.Close(); }

  // Whether the conversation goes on after that, with what comes into the mailbox, until output.Close(). Asked after
  // OnEndOfInput().
  virtual bool outlives_input() const { return false; }

  // The server is stopping. Called at most once, before any further input is passed. A session whose protocol can
  // announce it does so in its next reply, and closes the output behind it; it first answers all requests that arrived
  // together. Other sessions need not do anything: the driver closes the connection behind the next reply.
  virtual void OnStop() {}

  // The server is stopping, and the driver is about to close the output behind the reply that is in it. For protocols
  // that end with a mark of their own: append it. Called at most once, and followed by no other call.
  virtual void OnClosing(Output&) {}

  // The server has more to do than it can, and refuses what has come: a request, or the connection before its first
  // one. Append what the protocol says then, if anything; the driver discards the request, and closes the connection
  // behind these words. Called between two requests (idle()), instead of OnInput(), and followed by no other call.
  virtual void OnOverload(Output&) {}

  // Whether what comes next may be refused so. False while nothing can be said to the peer, as within a handshake.
  // Asked between two requests, and before the first one.
  virtual bool is_refusable() const { return true; }

  // The queue of messages from other sessions; null if there is none. May become non-null during OnInput(); once set,
  // it never changes. Whenever all output is performed the driver calls OnMessage() for the messages in it; if the
  // mailbox is cut off, the driver ends the conversation at once. While it awaits room (Mailbox::awaits_room()), the
  // session is shown no input, and what it has left of its last one is shown again then.
  virtual Mailbox* mailbox() { return nullptr; }

  // Handles a message from the mailbox. Not called after output.Close(), nor after OnEndOfInput(), unless the session
  // outlives its input.
  virtual void OnMessage(const Message& /*message*/, Output& /*output*/) {}

  // The task of output.Work() or Pause() is done, and its output is sent. Called before more input is passed, on the
  // driver's thread (the task may run on another). Not called over UDP.
  virtual void OnResume(Output&) {}

  // The timer of output.SetTimer() has expired, and all output is sent. Never called after OnEndOfInput().
  virtual void OnTime(Output&) {}

  // Whether to call OnPeer(), before any other call, with the peer's address without the port: "127.0.0.1" or "::1".
  virtual bool wants_peer() const { return false; }
  virtual void OnPeer(absl::string_view) {}

  // Whether a peer with this address is a load balancer, which names the client whose connection it passes on. The
  // connection then takes no place among those that the peer's address may have; the session takes one for the client.
  // Asked before OnPeer(). Over UDP, neither this nor the next two are asked.
  virtual bool IsBalancer(absl::string_view /*address*/) const { return false; }
  // True while a balancer has not yet named its client. Asked after OnPeer(), and then after each OnInput() until it is
  // false.
  virtual bool awaits_client() const { return false; }
  // After that: the client; null if the peer speaks for itself. Asked once; valid until the next call.
  virtual const AddressPort* client() const { return nullptr; }

  // The transport has proved the peer's name, as TLS does by a client's certificate: the session grants what that name
  // may do, without a password. Called at most once, before any input. The name is valid during the call only.
  virtual void OnPeerName(absl::string_view /*name*/) {}

  // True between requests, when closing would cut nothing off. Asked when the server stops. The driver itself counts
  // unconsumed input and unsent output as a request.
  virtual bool idle() const { return true; }

  // True while the peer has sent nothing but what opens the conversation, such as a handshake: when the server stops,
  // the answer to that is not the last one.
  virtual bool is_opening() const { return false; }

  // True while a request has arrived only in part: the driver ends the conversation if the rest comes more slowly than
  // the server's minimum rate (net/progress_watch.h). Keep it false for peers that may take their time, such as members
  // of a chat, and in sessions with a time limit of their own. Asked when all output is sent.
  virtual bool awaits_rest_of_request() const { return false; }

  // The protocol's message for a connection that the server closes on its own account, because it is stopping or the
  // connection was idle for too long. Sent only if the socket takes it at once. Asked when all output is sent. The text
  // must stay valid as long as the session.
  virtual absl::string_view closing_message() const { return ""; }

  // True if a new session would do as well as this one, because nothing the peer has sent so far matters. UDP has no
  // end of a conversation: a stateless session may be evicted at any time to make room.
  virtual bool is_stateless() const { return false; }

  // The reply to a stray: a datagram that has come to the port of this conversation, but from another peer, which does
  // not take part in it. "": none, as for whatever may be a reply itself, or the two would answer each other for ever.
  // Only for services that answer each peer from a port of its own; the driver asks for a few strays at most.
  virtual std::string ReplyToStray(absl::string_view /*datagram*/) const { return ""; }

  // False while the source address of a UDP peer may be forged, because the peer has not yet shown that it receives our
  // datagrams. When the table of peers is full, unverified sessions are evicted first.
  virtual bool is_verified() const { return true; }
};

// Creates the session of a new peer. Called from any thread.
using SessionFactory = std::function<std::unique_ptr<Session>()>;

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_SESSION_H_
