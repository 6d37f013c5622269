#include "drain_log.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/logging.h"
#include "net/signals.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

// The oldest are the ones that will not leave by themselves. More would make a line that nobody reads.
constexpr size_t kMaxListed = 5;

std::string Counted(int64_t count, absl::string_view one, absl::string_view many) {
  return absl::StrCat(count, " ", count == 1 ? one : many);
}

void AppendConnection(std::string* line, const ServerReport::Connection& connection) {
  absl::StrAppendFormat(line, "%s %s (%s, open for %.1f s", connection.service, connection.peer, connection.doing,
                        connection.age_seconds);
  if (connection.bytes.has_value()) {
    absl::StrAppend(line, ", received ", Counted(connection.bytes->received, "byte", "bytes"), ", sent ",
                    connection.bytes->acknowledged);
    if (connection.bytes->unsent > 0) absl::StrAppend(line, ", not taken yet ", connection.bytes->unsent);
  }
  absl::StrAppend(line, ")");
}

}  // namespace

// Before the line: a reader of the log may ask /-/status next. The end of the grace comes last, since it tells the
// others that both are there.
void LogDrain(const ReportSources& sources) {
  const Statistics& statistics = sources.statistics;
  const absl::Duration uptime = statistics.uptime();
  statistics.stop_times().drain_end = absl::ToInt64Microseconds(uptime + Signals::DrainLeft());
  statistics.stop_times().grace_end = absl::ToInt64Microseconds(uptime + Signals::GraceLeft());
  const std::string line = DrainLine(MakeClientReport(sources, kMaxListed));
  if (!line.empty()) LOG(INFO) << line;
}

std::string DrainLine(const ServerReport& report) {
  // Clients are counted a little before they are listed, and a little after they have gone.
  const int64_t listed = static_cast<int64_t>(report.connections.size());
  const int64_t clients = std::max(report.active, listed);
  int64_t queued = 0;
  for (const ServerReport::Listener& listener : report.listeners) queued += listener.waiting.value_or(0);
  if (clients == 0 && queued == 0) return "";
  std::string line = absl::StrCat("stopping: waits for ", Counted(clients, "client", "clients"));
  if (report.drain.has_value() && report.drain->seconds_left.has_value()) {
    absl::StrAppendFormat(&line, ", for %.1f s at most", *report.drain->seconds_left);
  }
  if (listed > 0) absl::StrAppend(&line, ": ", absl::StrJoin(report.connections, ", ", &AppendConnection));
  // UDP peers are never listed.
  if (clients > listed && listed > 0) {
    absl::StrAppend(&line, " and ", Counted(clients - listed, "other", "others"));
  }
  if (queued > 0) absl::StrAppend(&line, "; ", queued, " more ", queued == 1 ? "waits" : "wait", " to be accepted");
  return line;
}

}  // namespace polyserve
