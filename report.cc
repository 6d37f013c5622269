#include "report.h"

#include <gflags/gflags.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/bound_counters.h"
#include "base/line_output.h"
#include "base/log_flood.h"
#include "files/quota.h"
#include "net/connection_table.h"
#include "net/endpoint.h"
#include "net/process_figures.h"
#include "net/request_times.h"
#include "net/signals.h"
#include "net/tcp_sockets.h"
#include "net/worker_slots.h"
#include "services.h"

namespace polyserve {

namespace {

// A page can show no more, and a report should cost the server less than it costs to send it. Each process costs some
// ten microseconds, its proportional memory about a hundred, each thread ten.
constexpr size_t kMaxProcesses = 64;
constexpr size_t kMaxProcessesSummed = 512;
constexpr size_t kMaxProportional = 32;
constexpr size_t kMaxThreadsTimed = 128;
constexpr size_t kMaxConnections = 256;
// Of the whole system, in search of ours; a microsecond each.
constexpr size_t kMaxSockets = 4096;

using Thread = std::pair<int64_t, int64_t>;  // Process and thread.

// Of the connections that a thread serves now.
struct Served {
  int64_t connections = 0;
  int64_t requests = 0;
};

absl::string_view NameOf(ConnectionTable::Activity activity) {
  switch (activity) {
    case ConnectionTable::Activity::kWaits:
      return "waits";
    case ConnectionTable::Activity::kWorks:
      return "works";
    case ConnectionTable::Activity::kSends:
      return "sends";
    case ConnectionTable::Activity::kCloses:
      return "closes";
  }
  return "";
}

int Processors() {
  cpu_set_t set;
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

// All are counted for their threads, but only some are listed: the oldest, since a reader follows those that stay.
void AddConnections(const Statistics& statistics, size_t most, std::map<Thread, Served>& of_threads,
                    ServerReport& report) {
  std::vector<ConnectionTable::Connection> all = statistics.connections().List();
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.age > b.age; });
  for (const ConnectionTable::Connection& one : all) {
    Served& served = of_threads[{one.process, one.thread}];
    ++served.connections;
    served.requests += one.requests;
    if (report.connections.size() == most) continue;
    const size_t service = static_cast<size_t>(one.service);
    const bool is_proxied = one.client.family() != AF_UNSPEC;
    report.connections.push_back({.process = one.process,
                                  .thread = one.thread,
                                  .service = service < AllServices().size() ? AllServices()[service].name : "",
                                  .peer = (is_proxied ? one.client : one.peer).ToString(),
                                  .doing = NameOf(one.activity),
                                  .age_seconds = absl::ToDoubleSeconds(one.age),
                                  .requests = one.requests,
                                  .via = is_proxied ? one.peer.ToString() : ""});
  }
}

// A worker without a row of counters of its own serves one client, and ends with it.
void AddWorkers(const Statistics& statistics, const std::map<Thread, Served>& of_threads, ServerReport& report) {
  for (const WorkerSlots::Worker& worker : statistics.places().List()) {
    const auto found = of_threads.find({worker.process, worker.thread});
    const Served served = found == of_threads.end() ? Served() : found->second;
    ServerReport::Worker row{.process = worker.process,
                             .thread = worker.thread,
                             .connections = served.connections,
                             .requests = statistics.RequestsOf(worker).value_or(served.requests)};
    if (report.workers.size() < kMaxThreadsTimed) {
      row.cpu_seconds = ReadThreadCpuSeconds(worker.process, worker.thread);
    }
    report.workers.push_back(row);
  }
}

// The server, what it has started, and workers that are not its descendants (--reap=double_fork).
std::vector<pid_t> ListProcesses(pid_t server, const ServerReport& report) {
  std::vector<pid_t> processes = {server};
  for (const pid_t process : ListDescendants(server, kMaxProcessesSummed)) processes.push_back(process);
  std::vector<pid_t> known = processes;
  std::sort(known.begin(), known.end());
  for (const ServerReport::Worker& worker : report.workers) {
    const pid_t process = static_cast<pid_t>(worker.process);
    if (processes.size() >= kMaxProcessesSummed) break;
    const bool is_thread_of_last = processes.back() == process;
    if (!is_thread_of_last && !std::binary_search(known.begin(), known.end(), process)) processes.push_back(process);
  }
  return processes;
}

void AddProcesses(pid_t server, ServerReport& report) {
  for (const pid_t process : ListProcesses(server, report)) {
    const std::optional<ProcessFigures> figures = ReadProcessFigures(process);
    if (!figures.has_value()) continue;  // It has ended meanwhile.
    const double cpu_seconds = figures->cpu_seconds + figures->children_cpu_seconds;
    report.cpu_seconds += cpu_seconds;
    if (report.processes.size() == kMaxProcesses) continue;
    report.processes.push_back(
        {.process = process,
         .parent = figures->parent,
         .name = figures->name,
         .threads = figures->threads,
         .cpu_seconds = cpu_seconds,
         .rss_bytes = figures->rss_bytes,
         .pss_bytes = report.processes.size() < kMaxProportional ? ReadProportionalBytes(process) : std::nullopt});
  }
}

// Several sockets may share an address (SO_REUSEPORT): their queues are added up.
void AddListeners(const ReportSources& sources, ServerReport& report) {
  report.listeners = sources.listeners;
  for (const ListenQueue& queue : ListListenQueues()) {
    const std::string address = queue.at.ToString();
    for (ServerReport::Listener& listener : report.listeners) {
      if (listener.has_datagrams || listener.address != address) continue;
      listener.waiting = listener.waiting.value_or(0) + queue.waiting;
      listener.capacity = listener.capacity.value_or(0) + queue.capacity;
    }
  }
}

// What the kernel knows of the connections that are listed. Their ports are those of the listeners, so a process that
// does not know these has no such figures.
void AddBytes(ServerReport& report) {
  std::map<std::pair<std::string, std::string>, ServerReport::Connection*> rows;
  for (ServerReport::Connection& row : report.connections) {
    rows[{row.service, row.via.empty() ? row.peer : row.via}] = &row;
  }
  std::multimap<uint16_t, std::string> services;
  for (const ServerReport::Listener& listener : report.listeners) {
    int port = 0;
    const size_t colon = listener.address.rfind(':');
    if (listener.has_datagrams || !absl::SimpleAtoi(listener.address.substr(colon + 1), &port)) continue;
    services.emplace(static_cast<uint16_t>(port), listener.service);
  }
  if (rows.empty() || services.empty()) return;
  for (const TcpConnection& connection : ListTcpConnections(kMaxSockets)) {
    const auto [begin, end] = services.equal_range(connection.port);
    for (auto service = begin; service != end; ++service) {
      const auto row = rows.find({service->second, connection.peer.ToString()});
      if (row == rows.end()) continue;
      row->second->bytes = ServerReport::Connection::Bytes{.received = connection.received,
                                                           .unread = connection.unread,
                                                           .acknowledged = connection.acknowledged,
                                                           .unsent = connection.unsent};
    }
  }
}

// The shared times are asked for, since a process that serves may hear of the stop later than the main one.
void AddStop(const Statistics& statistics, ServerReport& report) {
  report.is_stopping = Signals::stopping();
  const int64_t grace_end = statistics.stop_times().grace_end;
  const int64_t drain_end = statistics.stop_times().drain_end;
  if (grace_end == 0) return;
  report.is_stopping = true;
  const auto seconds_until = [now = absl::ToInt64Microseconds(statistics.uptime())](int64_t end) {
    return absl::ToDoubleSeconds(absl::Microseconds(std::max<int64_t>(end - now, 0)));
  };
  report.drain = {.grace_seconds_left = seconds_until(grace_end), .seconds_left = std::nullopt};
  if (drain_end != INT64_MAX) report.drain->seconds_left = seconds_until(drain_end);
}

void AddLibrary(const Library::Options& library, ServerReport& report) {
  report.is_read_only = library.read_only;
  if (library.max_file_bytes != INT64_MAX) report.max_file_bytes = library.max_file_bytes;
  if (library.quota != nullptr) report.quota = {library.quota->used(), library.quota->most()};
}

// By the flags that set the bounds; "gave_way" has none, since it is how a pool works.
void AddBounds(const BoundCounters& counters, ServerReport& report) {
  report.bounds = {{"max_connections_per_address", counters.max_connections_per_address},
                   {"max_requests_per_connection", counters.max_requests_per_connection},
                   {"keep_alive_timeout", counters.keep_alive_timeout},
                   {"gave_way", counters.gave_way},
                   {"request_timeout", counters.request_timeout},
                   {"idle_timeout", counters.idle_timeout},
                   {"min_rate", counters.min_rate},
                   {"rate_per_address", counters.rate_per_address},
                   {"library_quota", counters.library_quota}};
}

void AddFlags(const Model& model, ServerReport& report) {
  for (const absl::string_view name : absl::StrSplit(model.flags, ' ', absl::SkipEmpty())) {
    std::string value;
    if (gflags::GetCommandLineOption(std::string(name).c_str(), &value)) {
      report.flags.emplace_back(std::string(name), std::move(value));
    }
  }
}

ServerReport::Queue OfTotals(const QueueTotals& queue) {
  constexpr double kMicrosecond = 1e-6;
  return {.tasks = queue.tasks,
          .waiting = queue.waiting,
          .longest = queue.longest,
          .wait_seconds = kMicrosecond * static_cast<double>(queue.waited_us),
          .longest_wait_seconds = kMicrosecond * static_cast<double>(queue.longest_wait_us),
          .refused = queue.refused,
          .dropped = queue.dropped,
          .stolen = queue.stolen};
}

void AddStages(const Model& model, const Statistics& statistics, ServerReport& report) {
  int worker = 0;
  for (const absl::string_view name : absl::StrSplit(model.queues, ' ', absl::SkipEmpty())) {
    QueueTotals queue;
    queue.Add(statistics.OfWorker(worker++).queue());
    report.stages.emplace_back(name, OfTotals(queue));
  }
}

ServerReport::Times OfFigures(absl::string_view part, const RequestTimes::Figures& figures) {
  ServerReport::Times times{.part = part, .count = figures.count, .seconds = figures.seconds};
  int64_t up_to = 0;
  for (size_t i = 0; i < RequestTimes::kBuckets; ++i) {
    up_to += figures.buckets[i];
    times.buckets.emplace_back(RequestTimes::BoundOf(i), up_to);
  }
  return times;
}

// Only services that were asked for something: each has some hundred numbers.
void AddRequestTimes(const RequestTimes& times, ServerReport& report) {
  report.times_one_in = times.every();
  for (const Service& service : AllServices()) {
    const RequestTimes::FiguresOfService figures = times.FiguresOf(NumberOf(service));
    if (figures.whole.count == 0) continue;
    ServerReport::TimesOfService row{.service = service.name, .whole = OfFigures("", figures.whole)};
    for (size_t i = 0; i < kRequestParts; ++i) {
      row.parts.push_back(OfFigures(NameOf(static_cast<RequestPart>(i)), figures.parts[i]));
    }
    report.request_times.push_back(std::move(row));
  }
}

absl::string_view KeepsOthersOut(const Model& model) {
  const Traits can = TraitsWithFlags(model);
  if (can.pooled) return "pool";
  return can.keeps_clients_apart ? "none" : "one";
}

}  // namespace

ServerReport MakeServerReport(const ReportSources& sources) {
  const Statistics& statistics = sources.statistics;
  // First: until then, the clients of killed workers count as active.
  statistics.Sweep();
  const Totals total = statistics.Total();
  ServerReport report{.model = sources.model->name,
                      .uptime_seconds = absl::ToDoubleSeconds(statistics.uptime()),
                      .accepted = total.accepted,
                      .active = total.active(),
                      .refused = total.refused,
                      .lost_log_lines = statistics.access_log().lost,
                      .lost_server_log_lines = statistics.server_log().lost,
                      .left_out_server_log_lines = statistics.log_floods().total()};
  if (sources.access != nullptr) {
    const Access::Figures logins = sources.access->figures();
    report.wrong_passwords = logins.wrong;
    report.refused_logins = logins.refused;
  }
  if (sources.handshakes != nullptr) {
    report.handshakes = {sources.handshakes->full, sources.handshakes->resumed, sources.handshakes->failed};
  }
  if (sources.proxy_headers != nullptr) {
    const ProxyCounters& headers = *sources.proxy_headers;
    report.proxy_headers = {headers.client, headers.own, headers.malformed, headers.late};
  }
  if (sources.counters != nullptr) AddBounds(*sources.counters, report);
  report.queue = OfTotals(statistics.TotalOfQueues());
  AddStages(*sources.model, statistics, report);
  // Also those that --listen leaves out, with zeroes: every report has the same names.
  for (const Service& service : AllServices()) {
    // Sums over the rows of all workers, each of which counts without a lock. The numbers of a service may thus be
    // apart by what happens during the sum: good enough for a report, and no worker has to stop.
    const Totals of = statistics.TotalOf(NumberOf(service));
    report.services.push_back({service.name, of.accepted, of.requests, of.errors, of.bytes_in, of.bytes_out});
  }
  AddRequestTimes(sources.request_times, report);
  report.process = statistics.places().server();
  report.answering_process = ::getpid();
  report.answering_thread = ::gettid();
  AddStop(statistics, report);
  report.processors = Processors();
  AddLibrary(sources.library, report);
  std::map<Thread, Served> of_threads;
  AddConnections(statistics, kMaxConnections, of_threads, report);
  AddWorkers(statistics, of_threads, report);
  AddProcesses(static_cast<pid_t>(report.process), report);
  AddListeners(sources, report);
  AddBytes(report);
  report.keeps_others_out = KeepsOthersOut(*sources.model);
  AddFlags(*sources.model, report);
  return report;
}

ServerReport MakeClientReport(const ReportSources& sources, size_t most) {
  sources.statistics.Sweep();
  ServerReport report{.model = sources.model->name, .active = sources.statistics.Total().active()};
  std::map<Thread, Served> of_threads;
  AddConnections(sources.statistics, most, of_threads, report);
  AddListeners(sources, report);
  AddBytes(report);
  AddStop(sources.statistics, report);
  return report;
}

}  // namespace polyserve
