// The flags that bound the connections of all clients, and say what is done with the others: --max_connections, and
// --overload as far as it is about that.
#ifndef POLYSERVE_CONNECTION_FLAGS_H_
#define POLYSERVE_CONNECTION_FLAGS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "backends/accept/connection_limit.h"
#include "backends/registry.h"

namespace polyserve {

struct ConnectionBound {
  int64_t most;                      // Over all workers together; 0: no limit.
  ConnectionLimit::Overload beyond;  // Connections above it wait, or are refused.
};

// Reads the flags, so call it after they are parsed. What else --overload means, the model reads by itself
// (backends/overload/overload_options.h). InvalidArgument, with one line for the user: a value is wrong, or this model,
// with these flags, has nothing that --overload could be about.
absl::StatusOr<ConnectionBound> ConnectionBoundFromFlags(const Model& model);

}  // namespace polyserve

#endif  // POLYSERVE_CONNECTION_FLAGS_H_
