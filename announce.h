// What the server tells of itself: on standard output that it is ready, and to http's /-/status how it does.
#ifndef POLYSERVE_ANNOUNCE_H_
#define POLYSERVE_ANNOUNCE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/accept/server_context.h"
#include "net/statistics.h"
#include "protocol/http/server_report.h"

namespace polyserve {

// Writes what scripts wait for: a line "listening SERVICE tcp|udp HOST:PORT" for each listener, then
// "ready model=NAME pid=N". Written at once and whole; nobody need be reading it, and a pipe that is full is not waited
// for. Errors: a listener has no address.
absl::Status AnnounceReady(const ServerContext& context, absl::string_view model);

// From any thread or process that shares the statistics.
ServerReport MakeServerReport(const Statistics& statistics, absl::string_view model);

}  // namespace polyserve

#endif  // POLYSERVE_ANNOUNCE_H_
