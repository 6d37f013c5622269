// NonblockClient: one client of the model nonblock, which is asked again and again whether anything can be done for it.
// Its socket is non-blocking, so the answer is never a wait: EAGAIN means "nothing now". It is the driver of that
// model: what blocking_driver.cc is to thread, and event_connection.cc to epoll.
//
//   each round:  TakeTurn() ─┬▶ kMoved    ask all clients again, without a sleep
//                            ├▶ kNothing  sleep, if all others say the same
//                            └▶ kOver     destroy it
//   each tick:   OnTick() ───▶ false      destroy it: the peer is silent, or too slow
#ifndef POLYSERVE_BACKENDS_NONBLOCK_CLIENT_H_
#define POLYSERVE_BACKENDS_NONBLOCK_CLIENT_H_

#include <cstdint>
#include <optional>

#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "backends/connection/conversation.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/socket.h"
#include "net/statistics.h"
#include "protocol/output.h"

namespace polyserve {

// What the clients of a loop share. The loop owns it, and sets the flags and the clock before it gives turns. One
// thread, so that no lock is needed.
struct NonblockShared {
  // Counts in the context's row of the statistics. The context must outlive it.
  explicit NonblockShared(ServerContext& context)
      : counters(context.statistics.counters()),
        connection_limit(context.connection_limit.get()),
        limits(context.idle_timeout, context.least_rate) {}

  // True once a tick: then each client's OnTick() is due. Looks at the clock, and counts the tick. Never true if
  // neither --idle_timeout nor --min_rate sets a limit.
  bool TakeTick() {
    if (!tick_end.passed()) return false;
    tick_end = Deadline(limits.tick());
    ++ticks;
    return true;
  }

  Counters& counters;
  ConnectionLimit* const connection_limit;  // Null if there is no limit.
  // The server stops, and connections without a request under way have had their time. The same for a whole round, so
  // that all clients see the same stop.
  bool stopping = false;
  bool grace_over = false;
  const ProgressLimits limits;       // Of the peers' progress.
  uint32_t ticks = 0;                // The coarse clock, in units of limits.tick(); modulo 2^32.
  Deadline tick_end{limits.tick()};  // Of the present tick.
  // One output and one read buffer for all: a client owns neither, unless a part of its output is unsent. Empty between
  // turns.
  Output output = {};
  char buffer[kReadBytes] = {};
};

// One thread. Besides its session it owns a descriptor, and the buffers of one output while its peer is slow to read.
// When it is destroyed, it sends the session's closing message, if the socket takes that, and counts the end of its
// connection.
class NonblockClient {
 public:
  // Makes the session. The connection must be non-blocking, and counted in. `shared` must outlive the client.
  NonblockClient(Connection connection, NonblockShared& shared);
  ~NonblockClient();

  // What a turn has come to.
  enum class Outcome {
    kMoved,    // Bytes came or went, or the session did something: ask all again without a sleep.
    kNothing,  // Every call would have had to wait.
    kOver,     // The connection has ended; destroy the client.
  };

  // Does what can be done at once, and no more than is fair to the others (fair_share.h). Never waits for the peer, but
  // a task of the session runs to its end, and delays all other clients.
  Outcome TakeTurn();

  // Call it once a tick (NonblockShared::TakeTick()). False if its peer is silent or too slow (progress_watch.h):
  // destroy the client. Costs a system call only if the peer owes something, or has been silent for the idle time-out.
  bool OnTick();

 private:
  Outcome TakeSteps(Output& output);
  Outcome Receive(Output& output);
  Outcome Linger();
  void KeepOutput(Outcome outcome);

  NonblockShared& shared_;
  Counters& counters_;
  UniqueFd fd_;
  ProgressWatch watch_;
  std::optional<Deadline> linger_end_;  // Set once our side is closed.
  std::optional<Deadline> timer_;       // The session's, while it is set.
  Conversation conversation_;
  // True while something is unsent: it is in output_ then, and otherwise the shared output is used.
  bool has_output_ = false;
  Output output_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_NONBLOCK_CLIENT_H_
