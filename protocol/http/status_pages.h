// The server's own pages, from a ServerReport:
//
//   /-/          the page of page/, which shows what the next one says
//   /-/status    JSON
//   /-/health    200: the server answers
//   /-/ready     200, or 503 once the server was told to stop: a load balancer should send it no more clients
//   /-/metrics   the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/)
//
// /-/chat, the WebSocket, is not one of them; see HttpSession. docs/operations.md lists the values.
#ifndef POLYSERVE_PROTOCOL_HTTP_STATUS_PAGES_H_
#define POLYSERVE_PROTOCOL_HTTP_STATUS_PAGES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"
#include "protocol/http/server_report.h"
#include "protocol/http/site.h"
#include "protocol/output.h"

namespace polyserve {

// Appends the whole reply to a request for the page `name`, the part of the target behind "/-/". Other names and other
// methods than GET and HEAD get a 404. Computed in place: the report is a look at shared memory and at some files of
// /proc.
void AnswerOwnPage(const HttpSite& site, const HttpRequest& request, absl::string_view name, Output& output);

// The contents of the two pages. `is_ready`: what /-/ready says.
std::string StatusJson(const ServerReport& report);
std::string MetricsText(const ServerReport& report, bool is_ready);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_STATUS_PAGES_H_
