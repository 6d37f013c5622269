// NonblockClient: one client of the model nonblock, which is asked again and again whether anything can be done for it.
// Its socket is non-blocking, so the answer is never a wait: EAGAIN means "nothing now". It is the driver of that
// model: what blocking_driver.cc is to thread, and event_connection.cc to epoll.
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

// What the clients of a loop share. The loop sets the flags and the clock before it gives turns.
struct NonblockShared {
  // The context must outlive it.
  explicit NonblockShared(ServerContext& context)
      : counters(context.statistics.counters()),
        connection_limit(context.connection_limit.get()),
        limits(context.idle_timeout, context.least_rate) {}

  // True once a tick, for which each client's OnTick() is due then. Counts it.
  bool TakeTick() {
    if (!tick_end.passed()) return false;
    tick_end = Deadline(limits.tick());
    ++ticks;
    return true;
  }

  Counters& counters;
  ConnectionLimit* const connection_limit;  // Null if there is no limit.
  bool stopping = false;                    // The server stops.
  bool grace_over = false;                  // And the requests under way have had their time.
  const ProgressLimits limits;              // Of the peers' progress.
  uint32_t ticks = 0;                       // The coarse clock, in units of limits.tick().
  Deadline tick_end{limits.tick()};
  Output output = {};  // The buffers of a client that has something to send; empty between turns.
  char buffer[kReadBytes] = {};
};

// One thread. Counts the end of its connection, and sends the session's closing message, when it is destroyed.
class NonblockClient {
 public:
  // The connection must be non-blocking, and counted in. `shared` must outlive the client.
  NonblockClient(Connection connection, NonblockShared& shared);
  ~NonblockClient();

  enum class Outcome {
    kMoved,    // Bytes came or went, or the session did something: ask all again without a sleep.
    kNothing,  // Every call would have had to wait.
    kOver,     // The connection has ended; destroy the client.
  };

  // Does what can be done at once, and no more than is fair to the others (fair_share.h). Never waits for the peer, but
  // a task of the session runs to its end.
  Outcome TakeTurn();

  // To be called once a tick. False if its peer is silent or too slow (progress_watch.h): destroy the client.
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
  bool has_output_ = false;  // Something is unsent, and kept in output_ instead of the shared one.
  Output output_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_NONBLOCK_CLIENT_H_
