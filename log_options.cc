#include "log_options.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/log_format.h"

DEFINE_string(log_level, "info",
              "=info|warning|error the least severity of what the server's own log has, on standard error");
DEFINE_string(
    log_format, "text",
    "=text|json how the lines of that log look: for people, or an object of JSON each; the access log stays as "
    "it is");

namespace polyserve {

absl::StatusOr<LogOptions> LogOptionsFromFlags() {
  LogOptions options;
  if (FLAGS_log_level == "warning") {
    options.least = LogSeverity::WARNING;
  } else if (FLAGS_log_level == "error") {
    options.least = LogSeverity::ERROR;
  } else if (FLAGS_log_level != "info") {
    return absl::InvalidArgumentError(
        absl::StrCat("--log_level=", FLAGS_log_level, " is not one of info, warning, error"));
  }
  if (FLAGS_log_format == "json") {
    options.format = LogFormat::kJson;
  } else if (FLAGS_log_format != "text") {
    return absl::InvalidArgumentError(absl::StrCat("--log_format=", FLAGS_log_format, " is not one of text, json"));
  }
  return options;
}

}  // namespace polyserve
