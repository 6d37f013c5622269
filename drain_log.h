// LogDrain: while a server stops, says in its log for whom it waits:
//
//   stopping: waits for 3 clients, for 9.4 s at most: file 127.0.0.1:4711 (waits, open for 12.3 s, received 10 bytes,
//   sent 0), ... and 1 other; 2 more wait to be accepted
//
// What a client does is said as in http's /-/status: one that "waits" has not sent its whole request.
//
// Signals::kTick says when. It reads what all processes of the server show of themselves (net/connection_table.h),
// and so costs a server nothing that does not stop.
#ifndef POLYSERVE_DRAIN_LOG_H_
#define POLYSERVE_DRAIN_LOG_H_

#include <string>

#include "protocol/http/server_report.h"
#include "report.h"

namespace polyserve {

// Logs one line, unless no client is left, and has all processes know from now on how long the stop may take
// (Statistics::stop_times()). In the server's main process while it stops, on one thread at a time. Does not wait;
// takes a millisecond for a thousand connections.
void LogDrain(const ReportSources& sources);

// The text of the line; empty if the report has no clients. At most 1,200 bytes if it lists five connections.
std::string DrainLine(const ServerReport& report);

}  // namespace polyserve

#endif  // POLYSERVE_DRAIN_LOG_H_
