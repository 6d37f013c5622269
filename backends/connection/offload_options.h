// OffloadOptions: what --offload and --offload_files ask for. Apart from the helpers themselves (offload.h), since most
// files only pass these options on. Only event loops and rings have helpers; the other models run long work in place.
#ifndef POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_OPTIONS_H_
#define POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_OPTIONS_H_

#include "absl/status/statusor.h"
#include "backends/overload/overload_options.h"

namespace polyserve {

struct OffloadOptions {
  int helpers = 0;           // Threads for each loop; 0: none, and the loop runs tasks itself.
  bool reads_files = false;  // Helpers also read what is sent next, if it is not in memory yet.
  // Helpers also run the sessions: the loop only reads and writes (half-sync/half-async).
  bool runs_sessions = false;
  // Then each of them counts in a row of the statistics of its own, from that of this worker on; no other worker of the
  // server, and no other loop's helper, may have these rows.
  int first_row = 0;
  // The order and the bounds of what waits for them; but what cannot be refused is done in any case.
  OverloadOptions overload = {};
};

// Reads the flags; call it after they are parsed. Each loop of the server gets helpers of its own, as many as this
// says. InvalidArgument: the number is out of range, or --offload_files is given without helpers.
absl::StatusOr<OffloadOptions> OffloadOptionsFromFlags();

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_CONNECTION_OFFLOAD_OPTIONS_H_
