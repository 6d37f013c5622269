#include "protocol/http/status_pages.h"

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "protocol/http/page_files.h"
#include "protocol/http/reply.h"

namespace polyserve {

namespace {

// "no-store" (RFC 9111, section 5.2.2.5): a monitor that reads the page through a cache must not get old figures.
void WritePage(const HttpSite& site, const HttpRequest& request, int code, absl::string_view type,
               absl::string_view content, Output& output) {
  const HttpReplyTerms terms = OwnPageTerms(request);
  HttpReply reply(code, terms, site);
  reply.Add("Content-Type", type).Add("Content-Length", content.size()).Add("Cache-Control", "no-store");
  reply.WriteTo(output, content);
  HttpReply::Finish(terms, output);
}

constexpr absl::string_view kPlainText = "text/plain; charset=utf-8";

// Writes the text format of Prometheus, version 0.0.4: for each metric its help, its type, then its values. All values
// of a metric must stand together, so the figures of the services are written column by column.
class Metrics {
 public:
  // Begins a metric; its values follow.
  void Begin(absl::string_view name, absl::string_view type, absl::string_view help) {
    name_ = std::string(name);
    absl::StrAppend(&text_, "# HELP polyserve_", name, " ", help, "\n# TYPE polyserve_", name, " ", type, "\n");
  }
  void Value(absl::string_view labels, const absl::AlphaNum& value, absl::string_view suffix = "") {
    absl::StrAppend(&text_, "polyserve_", name_, suffix, labels, " ", value, "\n");
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

template <typename T>
void AddIfKnown(const char* name, const std::optional<T>& value, nlohmann::ordered_json& row) {
  if (value.has_value()) row[name] = *value;
}

nlohmann::ordered_json BoundsJson(const ServerReport& report) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, count] : report.bounds) json[std::string(name)] = count;
  return json;
}

// What the page at /-/ shows: who serves whom at this moment.
void AddLiveFigures(const ServerReport& report, nlohmann::ordered_json& json) {
  using Json = nlohmann::ordered_json;
  json["pid"] = report.process;
  json["answered_by"] = {{"pid", report.answering_process}, {"tid", report.answering_thread}};
  json["stopping"] = report.is_stopping;
  if (report.drain.has_value()) {
    json["drain"]["grace_seconds_left"] = report.drain->grace_seconds_left;
    AddIfKnown("seconds_left", report.drain->seconds_left, json["drain"]);
  }
  json["processors"] = report.processors;
  json["cpu_seconds"] = report.cpu_seconds;
  json["library"]["read_only"] = report.is_read_only;
  AddIfKnown("max_file_bytes", report.max_file_bytes, json["library"]);
  if (report.quota.has_value()) {
    json["library"]["quota"] = {{"used_bytes", report.quota->used_bytes}, {"most_bytes", report.quota->most_bytes}};
  }
  json["keeps_others_out"] = std::string(report.keeps_others_out);
  json["flags"] = Json::object();
  for (const auto& [name, value] : report.flags) json["flags"][name] = value;
  json["listeners"] = Json::array();
  for (const ServerReport::Listener& listener : report.listeners) {
    Json row = {{"service", listener.service},
                {"transport", listener.has_datagrams ? "udp" : "tcp"},
                {"address", listener.address}};
    AddIfKnown("waiting", listener.waiting, row);
    AddIfKnown("capacity", listener.capacity, row);
    json["listeners"].push_back(std::move(row));
  }
  json["processes"] = Json::array();
  for (const ServerReport::Process& process : report.processes) {
    Json row = {{"pid", process.process},     {"parent", process.parent},           {"name", process.name},
                {"threads", process.threads}, {"cpu_seconds", process.cpu_seconds}, {"rss_bytes", process.rss_bytes}};
    AddIfKnown("pss_bytes", process.pss_bytes, row);
    json["processes"].push_back(std::move(row));
  }
  json["open"] = Json::array();
  for (const ServerReport::Connection& connection : report.connections) {
    Json row = {{"pid", connection.process},
                {"tid", connection.thread},
                {"service", connection.service},
                {"peer", connection.peer},
                {"doing", std::string(connection.doing)},
                {"age_seconds", connection.age_seconds},
                {"requests", connection.requests}};
    if (!connection.via.empty()) row["via"] = connection.via;
    if (connection.bytes.has_value()) {
      row["bytes_in"] = connection.bytes->received;
      row["unread"] = connection.bytes->unread;
      row["bytes_out"] = connection.bytes->acknowledged;
      row["unsent"] = connection.bytes->unsent;
    }
    json["open"].push_back(std::move(row));
  }
}

void AddQueue(const ServerReport::Queue& queue, Metrics& metrics) {
  metrics.Begin("queue_tasks_total", "counter", "Tasks, requests and clients that were ever in a queue.");
  metrics.Value("", queue.tasks);
  metrics.Begin("queue_waiting", "gauge", "Those that nobody has begun yet.");
  metrics.Value("", queue.waiting);
  metrics.Begin("queue_longest", "gauge", "The most that waited in one queue.");
  metrics.Value("", queue.longest);
  metrics.Begin("queue_wait_seconds_total", "counter", "The waits of all whose turn has come.");
  metrics.Value("", queue.wait_seconds);
  metrics.Begin("queue_longest_wait_seconds", "gauge", "The longest of these waits.");
  metrics.Value("", queue.longest_wait_seconds);
  metrics.Begin("queue_refused_total", "counter", "Requests and clients that found the queue full (--overload).");
  metrics.Value("", queue.refused);
  metrics.Begin("queue_dropped_total", "counter", "Requests and clients that had waited for too long (--overload).");
  metrics.Value("", queue.dropped);
  metrics.Begin("queue_stolen_total", "counter", "Clients that a worker has taken from another one's queue.");
  metrics.Value("", queue.stolen);
}

// Only of a model that has stages.
void AddStages(const ServerReport& report, Metrics& metrics) {
  if (report.stages.empty()) return;
  metrics.Begin("stage_tasks_total", "counter", "Clients that were ever in the queue of a stage.");
  for (const auto& [name, queue] : report.stages) metrics.Value(absl::StrCat("{stage=\"", name, "\"}"), queue.tasks);
  metrics.Begin("stage_waiting", "gauge", "Clients that wait in the queue of a stage.");
  for (const auto& [name, queue] : report.stages) metrics.Value(absl::StrCat("{stage=\"", name, "\"}"), queue.waiting);
}

// Only with --library_quota: without it, nothing is counted.
void AddLibrary(const ServerReport& report, Metrics& metrics) {
  if (!report.quota.has_value()) return;
  metrics.Begin("library_used_bytes", "gauge", "Bytes of all files beneath the root, as far as they were counted.");
  metrics.Value("", report.quota->used_bytes);
  metrics.Begin("library_quota_bytes", "gauge", "The most bytes that they may have.");
  metrics.Value("", report.quota->most_bytes);
}

// A histogram, in Prometheus' form: each bucket counts all that are below its bound.
void AddTimes(const ServerReport::Times& times, const std::string& labels, Metrics& metrics) {
  for (const auto& [bound, count] : times.buckets) {
    const std::string le = std::isinf(bound) ? "+Inf" : absl::StrFormat("%.6f", bound);
    metrics.Value(absl::StrCat("{", labels, ",le=\"", le, "\"}"), count, "_bucket");
  }
  metrics.Value(absl::StrCat("{", labels, "}"), absl::StrFormat("%.9f", times.seconds), "_sum");
  metrics.Value(absl::StrCat("{", labels, "}"), times.count, "_count");
}

// Only with --time_requests.
void AddRequestTimes(const ServerReport& report, Metrics& metrics) {
  if (report.times_one_in == 0) return;
  metrics.Begin("request_seconds", "histogram",
                "Of timed requests: from the arrival of the last byte until the reply is with the kernel.");
  for (const ServerReport::TimesOfService& row : report.request_times) {
    AddTimes(row.whole, absl::StrCat("service=\"", row.service, "\""), metrics);
  }
  metrics.Begin("request_part_seconds", "histogram", "The parts of that time, which add up to it.");
  for (const ServerReport::TimesOfService& row : report.request_times) {
    for (const ServerReport::Times& part : row.parts) {
      AddTimes(part, absl::StrCat("service=\"", row.service, "\",part=\"", part.part, "\""), metrics);
    }
  }
}

nlohmann::ordered_json RequestTimesJson(const ServerReport& report) {
  nlohmann::ordered_json json = {{"one_in", report.times_one_in}, {"services", nlohmann::ordered_json::object()}};
  for (const ServerReport::TimesOfService& row : report.request_times) {
    nlohmann::ordered_json& service = json["services"][row.service];
    service = {
        {"requests", row.whole.count}, {"seconds", row.whole.seconds}, {"parts", nlohmann::ordered_json::object()}};
    for (const ServerReport::Times& part : row.parts) service["parts"][std::string(part.part)] = part.seconds;
  }
  return json;
}

bool IsReady(const HttpSite& site) { return site.options().will_stop == nullptr || !site.options().will_stop(); }

nlohmann::ordered_json QueueJson(const ServerReport::Queue& queue) {
  return {{"tasks", queue.tasks},
          {"waiting", queue.waiting},
          {"longest", queue.longest},
          {"wait_seconds", queue.wait_seconds},
          {"longest_wait_seconds", queue.longest_wait_seconds},
          {"refused", queue.refused},
          {"dropped", queue.dropped},
          {"stolen", queue.stolen}};
}

}  // namespace

// The order of the fields is kept, so that a person finds a figure in the same place each time.
std::string StatusJson(const ServerReport& report) {
  nlohmann::ordered_json json = {
      {"model", report.model},
      {"uptime_seconds", report.uptime_seconds},
      {"connections", {{"accepted", report.accepted}, {"active", report.active}, {"refused", report.refused}}},
      {"lost_log_lines", report.lost_log_lines},
      {"lost_server_log_lines", report.lost_server_log_lines},
      {"left_out_server_log_lines", report.left_out_server_log_lines},
      {"logins", {{"wrong", report.wrong_passwords}, {"refused", report.refused_logins}}},
      {"tls_handshakes",
       {{"full", report.handshakes.full},
        {"resumed", report.handshakes.resumed},
        {"failed", report.handshakes.failed}}},
      {"proxy_headers",
       {{"client", report.proxy_headers.client},
        {"own", report.proxy_headers.own},
        {"malformed", report.proxy_headers.malformed},
        {"late", report.proxy_headers.late}}},
      {"bounds", BoundsJson(report)},
      {"queue", QueueJson(report.queue)},
      {"stages", nlohmann::ordered_json::object()},
      {"request_times", RequestTimesJson(report)},
      {"workers", nlohmann::ordered_json::array()},
      {"services", nlohmann::ordered_json::object()}};
  for (const auto& [name, queue] : report.stages) json["stages"][std::string(name)] = QueueJson(queue);
  for (const ServerReport::Worker& worker : report.workers) {
    nlohmann::ordered_json row = {{"pid", worker.process},
                                  {"tid", worker.thread},
                                  {"connections", worker.connections},
                                  {"requests", worker.requests}};
    AddIfKnown("cpu_seconds", worker.cpu_seconds, row);
    json["workers"].push_back(std::move(row));
  }
  for (const ServerReport::Service& service : report.services) {
    json["services"][service.name] = {{"connections", service.accepted},
                                      {"requests", service.requests},
                                      {"errors", service.errors},
                                      {"bytes_in", service.bytes_in},
                                      {"bytes_out", service.bytes_out}};
  }
  AddLiveFigures(report, json);
  // A process or a peer may have any bytes as its name; what is no UTF-8 becomes U+FFFD.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// Names of models and services need no escaping: they are letters, digits and hyphens. Counters end in "_total", and
// units are seconds and bytes, as Prometheus' conventions for names ask.
std::string MetricsText(const ServerReport& report, bool is_ready) {
  Metrics metrics;
  metrics.Begin("info", "gauge", "The concurrency model.");
  metrics.Value(absl::StrCat("{model=\"", report.model, "\"}"), 1);
  metrics.Begin("ready", "gauge", "1, or 0 once the server was told to stop, as /-/ready says.");
  metrics.Value("", is_ready ? 1 : 0);
  metrics.Begin("uptime_seconds", "gauge", "Time since the start.");
  metrics.Value("", report.uptime_seconds);
  metrics.Begin("connections_accepted_total", "counter", "Connections that were accepted.");
  metrics.Value("", report.accepted);
  metrics.Begin("connections_active", "gauge", "Connections that are open.");
  metrics.Value("", report.active);
  metrics.Begin("connections_refused_total", "counter", "Connections that were closed at once.");
  metrics.Value("", report.refused);
  metrics.Begin("wrong_passwords_total", "counter", "Passwords and tokens that were wrong.");
  metrics.Value("", report.wrong_passwords);
  metrics.Begin("refused_logins_total", "counter", "Logins that were refused after too many wrong passwords.");
  metrics.Value("", report.refused_logins);
  metrics.Begin("tls_handshakes_total", "counter", "TLS handshakes, by how they ended.");
  metrics.Value("{result=\"full\"}", report.handshakes.full);
  metrics.Value("{result=\"resumed\"}", report.handshakes.resumed);
  metrics.Value("{result=\"failed\"}", report.handshakes.failed);
  metrics.Begin("proxy_headers_total", "counter", "Headers of the PROXY protocol, by what they were.");
  metrics.Value("{result=\"client\"}", report.proxy_headers.client);
  metrics.Value("{result=\"own\"}", report.proxy_headers.own);
  metrics.Value("{result=\"malformed\"}", report.proxy_headers.malformed);
  metrics.Value("{result=\"late\"}", report.proxy_headers.late);
  metrics.Begin("bounds_total", "counter", "Connections and requests that a bound of this name has ended or refused.");
  for (const auto& [name, count] : report.bounds) metrics.Value(absl::StrCat("{bound=\"", name, "\"}"), count);
  AddLibrary(report, metrics);
  metrics.Begin("lost_log_lines_total", "counter", "Lines of the access log that could not be written.");
  metrics.Value("", report.lost_log_lines);
  metrics.Begin("lost_server_log_lines_total", "counter", "Lines of the server's own log that could not be written.");
  metrics.Value("", report.lost_server_log_lines);
  metrics.Begin("left_out_server_log_lines_total", "counter",
                "Lines that floods would have added to the server's own log.");
  metrics.Value("", report.left_out_server_log_lines);
  AddQueue(report.queue, metrics);
  AddStages(report, metrics);
  AddRequestTimes(report, metrics);
  metrics.Begin("workers", "gauge", "Processes and threads that serve clients.");
  metrics.Value("", report.workers.size());

  struct Column {
    absl::string_view name;
    absl::string_view help;
    int64_t ServerReport::Service::*value;
  };
  for (const Column& column :
       {Column{"requests_total", "Requests that were answered.", &ServerReport::Service::requests},
        Column{"errors_total", "Requests that were refused.", &ServerReport::Service::errors},
        Column{"received_bytes_total", "Bytes from clients.", &ServerReport::Service::bytes_in},
        Column{"sent_bytes_total", "Bytes to clients.", &ServerReport::Service::bytes_out}}) {
    metrics.Begin(column.name, "counter", column.help);
    for (const ServerReport::Service& service : report.services) {
      metrics.Value(absl::StrCat("{service=\"", service.name, "\"}"), service.*column.value);
    }
  }
  return metrics.Take();
}

void AnswerOwnPage(const HttpSite& site, const HttpRequest& request, absl::string_view name, Output& output) {
  const bool is_read = request.method == HttpMethod::kGet || request.method == HttpMethod::kHead;
  const bool has_report = site.options().report != nullptr;
  if (is_read && AnswerPageFile(site, request, name, output)) return;
  if (name == "health" && is_read) return WritePage(site, request, 200, kPlainText, "ok\n", output);
  if (name == "ready" && is_read) {
    return IsReady(site) ? WritePage(site, request, 200, kPlainText, "ready\n", output)
                         : WritePage(site, request, 503, kPlainText, "the server will stop\n", output);
  }
  if (name == "status" && is_read && has_report) {
    return WritePage(site, request, 200, "application/json", StatusJson(site.options().report()), output);
  }
  if (name == "metrics" && is_read && has_report) {
    constexpr absl::string_view kType = "text/plain; version=0.0.4; charset=utf-8";
    return WritePage(site, request, 200, kType, MetricsText(site.options().report(), IsReady(site)), output);
  }
  WriteHttpError(404, "the server has no such page", request.TermsWithoutContent(), site, output);
}

}  // namespace polyserve
