#include "announce.h"

#include <unistd.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/line_output.h"
#include "base/logging.h"
#include "net/endpoint.h"
#include "net/worker_slots.h"
#include "services.h"

namespace polyserve {

absl::Status AnnounceReady(const ServerContext& context, absl::string_view model) {
  std::string lines;
  for (const Listener& listener : context.listeners) {
    // Asked of the socket, not taken from --listen: for port 0 only the kernel knows the port (getsockname(2)), and the
    // scripts that wait for this line use port 0 so as not to collide.
    const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener.fd.get());
    if (!at.ok()) return at.status();
    absl::StrAppend(&lines, "listening ", listener.service, listener.has_datagrams() ? " udp " : " tcp ",
                    at->ToString(), "\n");
  }
  absl::StrAppend(&lines, "ready model=", model, " pid=", ::getpid(), "\n");
  // In one write: a script that reads the pipe line by line must never see `ready` without the addresses before it.
  // Lost lines are not counted, because standard output is no log.
  LogHealth health;
  if (!LineOutput::Own(STDOUT_FILENO).Append(lines, health)) {
    LOG(WARNING) << "standard output accepts no data, so the line \"ready\" was not written";
  }
  return absl::OkStatus();
}

ServerReport MakeServerReport(const Statistics& statistics, absl::string_view model) {
  // First: until then, the clients of killed workers count as active.
  statistics.Sweep();
  const Totals total = statistics.Total();
  ServerReport report{.model = std::string(model),
                      .uptime_seconds = absl::ToDoubleSeconds(statistics.uptime()),
                      .accepted = total.accepted,
                      .active = total.active(),
                      .refused = total.refused,
                      .lost_log_lines = statistics.access_log().lost,
                      .lost_server_log_lines = statistics.server_log().lost,
                      .workers = {},
                      .services = {}};
  for (const WorkerSlots::Worker& worker : statistics.places().List()) {
    report.workers.push_back({worker.process, worker.thread});
  }
  // Also those that --listen leaves out, with zeroes: every report has the same names.
  for (const Service& service : AllServices()) {
    // Sums over the rows of all workers, each of which counts without a lock. The numbers of a service may thus be
    // apart by what happens during the sum: good enough for a report, and no worker has to stop.
    const Totals of = statistics.TotalOf(NumberOf(service));
    report.services.push_back({service.name, of.accepted, of.requests, of.errors, of.bytes_in, of.bytes_out});
  }
  return report;
}

}  // namespace polyserve
