// The server's statements about itself: the announcement on standard output that it is ready, and the report for http's
// /-/status and /-/metrics.
#ifndef POLYSERVE_ANNOUNCE_H_
#define POLYSERVE_ANNOUNCE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "backends/accept/server_context.h"
#include "backends/registry.h"
#include "net/statistics.h"
#include "protocol/http/server_report.h"

namespace polyserve {

// Writes the lines that scripts wait for, in one piece:
//
//   listening http tcp 127.0.0.1:8080        for each listener, with the port that the system has chosen
//   ready model=thread pid=17350
//
// If standard output is a terminal, it writes the banner (banner.h) instead, which says the same to a person. `root` is
// the path of the directory that is served.
//
// Call it last, when nothing can fail any more, with all listeners bound. Never blocks: if standard output is closed,
// or a full pipe, the lines are lost, and the log says so. Returns an error if the address of a listener cannot be
// determined.
absl::Status AnnounceReady(const ServerContext& context, const Model& model, absl::string_view root);

// The current statistics, of all processes and services. Any thread may call it, in any process that shares the
// statistics. Costs some system calls: it first counts out the clients of workers that were killed.
ServerReport MakeServerReport(const Statistics& statistics, absl::string_view model);

}  // namespace polyserve

#endif  // POLYSERVE_ANNOUNCE_H_
