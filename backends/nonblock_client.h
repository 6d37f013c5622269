// NonblockClient: one client of the model nonblock, which is asked again and again whether anything can be done for it.
// Its socket is non-blocking, so that the answer is never a wait.
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

// What the clients share.
struct NonblockShared {
  Counters& counters;
  ConnectionLimit* connection_limit;
  bool stopping = false;
  bool grace_over = false;     // Of the stop.
  ProgressLimits limits = {};  // Of the peers' progress.
  uint32_t ticks = 0;          // The coarse clock, for these.
  Output output = {};          // The buffers of whoever has something to send; empty between turns.
  char buffer[kReadBytes] = {};
};

class NonblockClient {
 public:
  NonblockClient(Connection connection, NonblockShared& shared);
  ~NonblockClient();

  enum class Outcome { kMoved, kNothing, kOver };
  // Does what can be done at once, and no more than is fair to the others. After kOver it is to be destroyed.
  Outcome TakeTurn();

  // To be called once a tick. False if its peer is silent or too slow: it is to be destroyed.
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
  bool has_output_ = false;  // Uses output_, since something is unsent, and not the shared one.
  Output output_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_NONBLOCK_CLIENT_H_
