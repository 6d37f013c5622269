// MakeServerReport: what http's /-/status and /-/metrics say: the statistics, and who serves whom at this moment.
// MakeClientReport: the part of it about clients, for the log of a stop (drain_log.h).
#ifndef POLYSERVE_REPORT_H_
#define POLYSERVE_REPORT_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "access/access.h"
#include "backends/registry.h"
#include "base/bound_counters.h"
#include "files/library.h"
#include "net/request_times.h"
#include "net/statistics.h"
#include "protocol/http/server_report.h"
#include "protocol/proxy/counters.h"
#include "protocol/tls/handshake_counters.h"

namespace polyserve {

// What a report is made of. Every process has its own, filled before the server serves, and then constant; all that
// changes is in the shared statistics, or is asked of the kernel.
struct ReportSources {
  Statistics statistics;
  const Model* model;  // Never null.
  Library::Options library;
  std::shared_ptr<const Access> access = nullptr;      // Null: there is no --auth_file.
  std::vector<ServerReport::Listener> listeners = {};  // Without their queues.
  const BoundCounters* counters = nullptr;             // Null: there are none.
  const HandshakeCounters* handshakes = nullptr;       // Null: there are none.
  const ProxyCounters* proxy_headers = nullptr;        // Null: there are none.
  RequestTimes request_times = {};
};

// Any thread may call it, in any process that shares the statistics. It first counts out the clients of workers that
// were killed, and then asks the kernel about processes, threads and listeners. That takes a fraction of a millisecond
// for a few processes, and some milliseconds at most: the bounds of report.cc limit how many are asked about.
ServerReport MakeServerReport(const ReportSources& sources);

// Only the number of clients, the `most` oldest connections, the listeners, and what is left of a stop. Costs less, by
// what the processes and threads would cost.
ServerReport MakeClientReport(const ReportSources& sources, size_t most);

}  // namespace polyserve

#endif  // POLYSERVE_REPORT_H_
