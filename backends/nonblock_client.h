// NonblockClient: one client of the model nonblock, which is asked again and again whether anything can be done for it.
// Its socket is non-blocking, so the answer is never a wait: EAGAIN means "nothing now". What is asked is in
// backends/connection/nonblocking_steps.cc, TakeSteps(): with these, it is the driver of that model.
//
//   each round:  TakeTurn() ─┬▶ kMoved    ask all clients again, without a sleep
//                            ├▶ kNothing  sleep, if all others say the same
//                            └▶ kOver     destroy it
//   each tick:   OnTick() ───▶ false      destroy it: the peer is silent, or too slow
#ifndef POLYSERVE_BACKENDS_NONBLOCK_CLIENT_H_
#define POLYSERVE_BACKENDS_NONBLOCK_CLIENT_H_

#include <cstdint>

#include "backends/accept/connection_limit.h"
#include "backends/accept/server_context.h"
#include "backends/connection/nonblocking_steps.h"
#include "backends/connection/timed_turn.h"
#include "base/unique_fd.h"
#include "net/deadline.h"
#include "net/progress_watch.h"
#include "net/statistics.h"

namespace polyserve {

// What the clients of a loop share. The loop owns it, and sets the flags and the clock before it gives turns. One
// thread, so that no lock is needed.
struct NonblockShared {
  // Counts in the context's row of the statistics. The context must outlive it.
  explicit NonblockShared(ServerContext& context)
      : counters(context.statistics.counters()),
        connection_limit(context.connection_limit.get()),
        limits(context.idle_timeout, context.least_rate),
        turn(context.request_times) {
    turn.BeginWait();
  }

  // Call it behind the sleep between two rounds, if there was one; turn.BeginWait() before it.
  void BeginRound() {
    turn.EndWait();
    space.timed = turn.timed();
  }

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
  const ProgressLimits limits;              // Of the peers' progress.
  uint32_t ticks = 0;                       // The coarse clock, in units of limits.tick(); modulo 2^32.
  Deadline tick_end{limits.tick()};         // Of the present tick.
  TimedTurn turn;                           // The present round.
  // One output and one read buffer for all: a client owns neither, unless a part of its output is unsent. Its flags are
  // the same for a whole round, so that all clients see the same stop.
  Workspace space = {};
};

// One thread. Besides its session it owns a descriptor, and the buffers of one output while its peer is slow to read.
// When it is destroyed, it sends the session's closing message, if the socket takes that, and counts the end of its
// connection.
class NonblockClient {
 public:
  // Makes the session. The connection must be non-blocking, and counted in. `shared` must outlive the client.
  NonblockClient(Connection connection, NonblockShared& shared);
  ~NonblockClient();

  using Outcome = NonblockingSteps::Outcome;

  // Does what can be done at once, and no more than is fair to the others (fair_share.h). Never waits for the peer, but
  // a task of the session runs to its end, and delays all other clients.
  Outcome TakeTurn();

  // Call it once a tick (NonblockShared::TakeTick()). False if its peer is silent or too slow (progress_watch.h):
  // destroy the client. Costs a system call only if the peer owes something, or has been silent for the idle time-out.
  bool OnTick();

 private:
  NonblockShared& shared_;
  Counters& counters_;
  UniqueFd fd_;
  ProgressWatch watch_;
  NonblockingSteps steps_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_NONBLOCK_CLIENT_H_
