// The flags about all connections alike: how many there may be, what is done with the others, how long a peer may take,
// and the options of sockets.
#ifndef POLYSERVE_CONNECTION_FLAGS_H_
#define POLYSERVE_CONNECTION_FLAGS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "backends/accept/connection_limit.h"
#include "backends/registry.h"
#include "net/progress_watch.h"
#include "net/socket.h"

namespace polyserve {

// Plain data. All durations may be infinite.
struct ConnectionTerms {
  // How long a peer may be silent; at least a millisecond.
  absl::Duration idle_timeout;
  // The minimum rate required of peers that owe something; see net/progress_watch.h.
  LeastRate least_rate;
  // With the send time-out that the limits above ask for.
  ListenOptions listen;
  // Of how many requests one is timed; 0: none. See net/request_times.h.
  uint32_t time_one_in = 0;
  // Over all workers together; 0: no limit. Connections above it wait, or are refused. What else --overload means, the
  // model reads by itself (backends/overload/overload_options.h).
  int64_t most = 0;
  ConnectionLimit::Overload beyond = ConnectionLimit::Overload::kWait;
};

// After the flags were parsed. Returns InvalidArgument, with one line for the user, if a value makes no sense, or if
// this model, with these flags, has nothing that --overload could be about.
absl::StatusOr<ConnectionTerms> ConnectionTermsFromFlags(const Model& model);

}  // namespace polyserve

#endif  // POLYSERVE_CONNECTION_FLAGS_H_
