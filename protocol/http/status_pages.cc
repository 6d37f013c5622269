#include "protocol/http/status_pages.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/http/reply.h"

namespace polyserve {

namespace {

// Links to the other pages are relative, so that they work behind a proxy that serves them under another path.
constexpr absl::string_view kIndex =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Polyserve</title></head>\n<body>\n"
    "<h1>Polyserve</h1>\n<ul>\n<li><a href=\"/\">the files</a></li>\n"
    "<li><a href=\"status\">status</a> (JSON)</li>\n<li><a href=\"metrics\">metrics</a> (Prometheus)</li>\n";
constexpr absl::string_view kIndexOfChat = "<li><a href=\"chat\">chat</a> (WebSocket)</li>\n";
constexpr absl::string_view kIndexEnd = "</ul>\n</body>\n</html>\n";

// "no-store" (RFC 9111, section 5.2.2.5): a monitor that reads the page through a cache must not get old figures.
void WritePage(const HttpSite& site, const HttpRequest& request, absl::string_view type, absl::string_view content,
               Output& output) {
  const HttpReplyTerms terms = request.TermsWithoutContent();
  HttpReply reply(200, terms, site);
  reply.Add("Content-Type", type).Add("Content-Length", content.size()).Add("Cache-Control", "no-store");
  reply.WriteTo(output, content);
  HttpReply::Finish(terms, output);
}

// Writes the text format of Prometheus, version 0.0.4: for each metric its help, its type, then its values. All values
// of a metric must stand together, so the figures of the services are written column by column.
class Metrics {
 public:
  // Begins a metric; its values follow.
  void Begin(absl::string_view name, absl::string_view type, absl::string_view help) {
    name_ = std::string(name);
    absl::StrAppend(&text_, "# HELP polyserve_", name, " ", help, "\n# TYPE polyserve_", name, " ", type, "\n");
  }
  void Value(absl::string_view labels, const absl::AlphaNum& value) {
    absl::StrAppend(&text_, "polyserve_", name_, labels, " ", value, "\n");
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

}  // namespace

// The order of the fields is kept, so that a person finds a figure in the same place each time.
std::string StatusJson(const ServerReport& report) {
  nlohmann::ordered_json json = {
      {"model", report.model},
      {"uptime_seconds", report.uptime_seconds},
      {"connections", {{"accepted", report.accepted}, {"active", report.active}, {"refused", report.refused}}},
      {"lost_log_lines", report.lost_log_lines},
      {"lost_server_log_lines", report.lost_server_log_lines},
      {"workers", nlohmann::ordered_json::array()},
      {"services", nlohmann::ordered_json::object()}};
  for (const ServerReport::Worker& worker : report.workers) {
    json["workers"].push_back({{"pid", worker.process}, {"tid", worker.thread}});
  }
  for (const ServerReport::Service& service : report.services) {
    json["services"][service.name] = {{"connections", service.accepted},
                                      {"requests", service.requests},
                                      {"errors", service.errors},
                                      {"bytes_in", service.bytes_in},
                                      {"bytes_out", service.bytes_out}};
  }
  return json.dump(2) + "\n";
}

// Names of models and services need no escaping: they are letters, digits and hyphens. Counters end in "_total", and
// units are seconds and bytes, as Prometheus' conventions for names ask.
std::string MetricsText(const ServerReport& report) {
  Metrics metrics;
  metrics.Begin("info", "gauge", "The concurrency model.");
  metrics.Value(absl::StrCat("{model=\"", report.model, "\"}"), 1);
  metrics.Begin("uptime_seconds", "gauge", "Time since the start.");
  metrics.Value("", report.uptime_seconds);
  metrics.Begin("connections_accepted_total", "counter", "Connections that were accepted.");
  metrics.Value("", report.accepted);
  metrics.Begin("connections_active", "gauge", "Connections that are open.");
  metrics.Value("", report.active);
  metrics.Begin("connections_refused_total", "counter", "Connections that were closed at once.");
  metrics.Value("", report.refused);
  metrics.Begin("lost_log_lines_total", "counter", "Lines of the access log that could not be written.");
  metrics.Value("", report.lost_log_lines);
  metrics.Begin("lost_server_log_lines_total", "counter", "Lines of the server's own log that could not be written.");
  metrics.Value("", report.lost_server_log_lines);
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
  if (name.empty() && is_read) {
    const std::string page = absl::StrCat(kIndex, site.options().chat != nullptr ? kIndexOfChat : "", kIndexEnd);
    return WritePage(site, request, "text/html; charset=utf-8", page, output);
  }
  if (name == "status" && is_read && has_report) {
    return WritePage(site, request, "application/json", StatusJson(site.options().report()), output);
  }
  if (name == "metrics" && is_read && has_report) {
    constexpr absl::string_view kType = "text/plain; version=0.0.4; charset=utf-8";
    return WritePage(site, request, kType, MetricsText(site.options().report()), output);
  }
  WriteHttpError(404, "the server has no such page", request.TermsWithoutContent(), site, output);
}

}  // namespace polyserve
