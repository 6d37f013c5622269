// Session: one conversation with one peer, free of I/O. It never reads, writes, waits, or knows its model: a driver
// shows it what has come and performs what it appends to its Output. Any service is a Session; any model drives it.
//
//   class EchoSession : public Session {
//     void OnInput(Input& input, Output& output) override {
//       output.Write(input.bytes());
//       input.ConsumeAll();
//     }
//   };
//
// The property that protocol/session_harness.h tests for every session: any split of the same input gives the same
// output.
#ifndef POLYSERVE_PROTOCOL_SESSION_H_
#define POLYSERVE_PROTOCOL_SESSION_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/strings/string_view.h"
#include "base/mailbox.h"
#include "protocol/output.h"

namespace polyserve {

// The bytes that a session has not consumed yet, oldest first.
class Input {
 public:
  explicit Input(absl::string_view bytes, bool more_may_follow = false)
      : bytes_(bytes), more_may_follow_(more_may_follow) {}

  absl::string_view bytes() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }
  void Consume(size_t count) { bytes_.remove_prefix(count); }
  void ConsumeAll() { bytes_ = absl::string_view(); }

  // True if the peer has probably sent more than this already. For a session that decides which reply is its last.
  bool more_may_follow() const { return more_may_follow_; }

 private:
  absl::string_view bytes_;
  bool more_may_follow_;
};

class Session {
 public:
  virtual ~Session() = default;

  // Shows bytes that have come from the peer.
  //   input   all that is not yet consumed; never empty; valid during this call only. Consume from the front. What
  //           is left is shown again with more behind it: remember how far you searched, so that the cost stays
  //           linear in what comes, however finely a peer slices it. Of datagrams each call shows exactly one, whole,
  //           which may be empty; what is left of it is dropped.
  //   output  takes actions, performed in this order. Return as soon as !output.wants_more(): the rest of the
  //           input is shown again when there is room.
  //   Errors  the peer's fault: answer in the protocol's own words, then output.Close(). Our fault: CHECK.
  //   Threads calls to one session never overlap, but may come from different threads. Never block: output.Work().
  //   Bound   leaves at most its documented number of bytes unconsumed, whatever a peer sends.
  virtual void OnInput(Input& input, Output& output) = 0;

  // The peer sends no more (half-close); answers that are due are still delivered. Called at most once, after all
  // input was shown, and last.
  virtual void OnEndOfInput(Output& output) { output.Close(); }

  // The server stops. Called at most once, before any further input is shown. A session whose protocol can announce it
  // says in its next reply that no more requests are taken, and closes the output behind it; requests that have come
  // together are all answered first. Other sessions need not do anything: the driver closes behind the next answer.
  virtual void OnStop() {}

  // What others have for this session's peer; null where nobody speaks to it but the peer. It may come to be there
  // during OnInput(), and stays the same from then on. The driver looks after it: it calls OnMessage() for what is
  // there whenever its output is performed, and ends the conversation at once where the mailbox was cut off.
  virtual Mailbox* mailbox() { return nullptr; }

  // Shows a message out of the mailbox. Not called after OnEndOfInput() or output.Close().
  virtual void OnMessage(const Message& /*message*/, Output& /*output*/) {}

  // The task of output.Work() or Pause() is done, and what it wrote is sent. Called before more input is shown, on the
  // driver's thread, as the task may not be. Not on datagrams.
  virtual void OnResume(Output&) {}

  // The time that output.SetTimer() asked for has passed, and all output is sent. Never after OnEndOfInput().
  virtual void OnTime(Output&) {}

  // Whether it wants to know who the peer is. Where it does, OnPeer() is called first of all, with the peer's address:
  // "127.0.0.1" or "::1", without the port.
  virtual bool wants_peer() const { return false; }
  virtual void OnPeer(absl::string_view) {}

  // True between requests, where closing would cut off nothing. Asked when the server stops. Input that was not
  // consumed and output that was not sent count as a request by themselves; a session need not think of them.
  virtual bool idle() const { return true; }

  // True while the peer owes the rest of a request that has begun to come: the driver ends the conversation if it comes
  // more slowly than the server's least rate (net/progress_watch.h). Not for peers that may take their time, as
  // members of a chat, nor for sessions that watch the time by themselves. Asked where all output is sent.
  virtual bool awaits_rest_of_request() const { return false; }

  // What the peer is told where the server ends the conversation without being asked to, since it stops or nothing has
  // moved for too long; sent if the peer's system takes it at once. Asked where all output is sent. Lives for ever.
  virtual absl::string_view closing_message() const { return ""; }

  // True where a new session would do as well as this one: nothing that the peer has said so far matters. Asked where
  // the peer sends datagrams, which have no end: who is blank may be forgotten as soon as there is a use for its place.
  virtual bool is_stateless() const { return false; }

  // False while nothing says that the peer is really where its datagrams seem to come from: they may be forged. Where
  // places become scarce, peers that were never verified give way first.
  virtual bool is_verified() const { return true; }
};

// Makes the session of one new peer; called from any thread.
using SessionFactory = std::function<std::unique_ptr<Session>()>;

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_SESSION_H_
