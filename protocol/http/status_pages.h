// The server's own pages: / a list of the others, /status as JSON, and /metrics in the text format of Prometheus
// (https://prometheus.io/docs/instrumenting/exposition_formats/). They are reached below /-/, where
// /chat is as well: no page, see HttpSession.
#ifndef POLYSERVE_PROTOCOL_HTTP_STATUS_PAGES_H_
#define POLYSERVE_PROTOCOL_HTTP_STATUS_PAGES_H_

#include <string>

#include "absl/strings/string_view.h"
#include "protocol/http/request.h"
#include "protocol/http/server_report.h"
#include "protocol/http/site.h"
#include "protocol/output.h"

namespace polyserve {

// Answers a request for the page of this name, which is what stands behind "-/": GET and HEAD alone.
void AnswerOwnPage(const HttpSite& site, const HttpRequest& request, absl::string_view name, Output& output);

std::string StatusJson(const ServerReport& report);
std::string MetricsText(const ServerReport& report);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_STATUS_PAGES_H_
