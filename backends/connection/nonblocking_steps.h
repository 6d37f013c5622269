// NonblockingSteps: the conversation of one connection on a non-blocking socket, as far as it gets without waiting. For
// models whose clients are served in turns, by whichever thread comes: it knows no loop and no poller. It owns no
// buffer but that of output which the socket has not taken; the rest is the thread's Workspace.
//
//   Workspace space;                               one for each thread
//   switch (steps.TakeTurn(space, counters)) {
//     case Outcome::kMoved:   ... give the others their turn, then this one again
//     case Outcome::kNothing: ... wait for what needs() says
//     case Outcome::kOver:    ... close
//   }
//
// One thread at a time. No call waits for the peer, but a task of the session runs to its end.
#ifndef POLYSERVE_BACKENDS_CONNECTION_NONBLOCKING_STEPS_H_
#define POLYSERVE_BACKENDS_CONNECTION_NONBLOCKING_STEPS_H_

#include <sys/types.h>

#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "backends/connection/timed_turn.h"
#include "backends/connection/upstream.h"
#include "net/deadline.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

// What a thread lends to the client that it serves, and how far the server's stop has come. Its owner sets the flags
// before a turn. The output is empty between two turns.
struct Workspace {
  bool stopping = false;
  bool grace_over = false;
  // The wait that has brought what is served, if that is timed; see timed_turn.h.
  const TimedWait* timed = nullptr;
  // Which steps the thread takes; null: all. A turn ends before another one (kHandOver), except for kRead, with which
  // it ends anyway.
  bool (*takes)(Step) = nullptr;
  Output output = {};
  std::unique_ptr<Output> spare_output = nullptr;  // As EventShared's; null: make one.
  char buffer[kReadBytes] = {};
};

class NonblockingSteps {
 public:
  // Makes the session. The socket must outlive it, and be non-blocking.
  NonblockingSteps(const Listener& listener, int fd);

  // What a turn has come to.
  enum class Outcome {
    kMoved,     // Bytes came or went, or the session did something.
    kNothing,   // Every call would have had to wait.
    kOver,      // The connection has ended.
    kHandOver,  // The next step is not one of the thread's (Workspace::takes): another one takes its turn.
  };

  // Takes the steps that can be taken now, but no more than is fair to the others (fair_share.h): one read, if any, and
  // the answer to it. Counts what was sent and received.
  Outcome TakeTurn(Workspace& space, Counters& counters);

  // What the next turn needs, after one that has not ended the connection; or mail, or the stop.
  struct Needs {
    bool input = false;  // The socket is readable;
    bool room = false;   // or writable;
    // or this time has passed; infinite: the time changes nothing.
    absl::Duration time = absl::InfiniteDuration();
  };
  // With both flags set the turn is due at once: a socket is as a rule writable.
  Needs needs() const;

  // The other server that the conversation waits for; null: for none. What needs() says is not all then: its descriptor
  // is to be waited for as well, and be readable or writable.
  Upstream* upstream() { return conversation_.step() == Step::kAsk ? Upstream::Find(output_) : nullptr; }

  Conversation& conversation() { return conversation_; }
  const Conversation& conversation() const { return conversation_; }

 private:
  Outcome TakeSteps(Workspace& space, Output& output, Counters& counters);
  Outcome Receive(Workspace& space, Output& output, Counters& counters);
  Outcome TakeIn(ssize_t count, Workspace& space, Output& output, Counters& counters);
  Outcome Linger(Workspace& space);
  void KeepOutput(Outcome outcome, Output& lent);
  void Leave(Outcome outcome);

  const int fd_;
  std::optional<Deadline> linger_end_;          // Set once our side is closed.
  std::optional<Deadline> timer_;               // The session's, while it is set.
  absl::Duration wait_ = absl::ZeroDuration();  // At kAwaitAck; at kAsk, at most.
  Conversation conversation_;
  // True while something is unsent: it is in output_ then, and otherwise the workspace's output is used.
  bool has_output_ = false;
  bool is_full_ = false;  // The socket, if the last send could not send everything.
  Output output_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_NONBLOCKING_STEPS_H_
