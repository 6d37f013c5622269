#include "upstream_flags.h"

#include <gflags/gflags.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/command_line.h"
#include "net/process.h"
#include "relay_flags.h"

DEFINE_string(upstream, "",
              "=http://HOST:PORT/PREFIX fetch files that --root lacks from this server, and keep them there; clients "
              "may then upload none");
DEFINE_string(upstream_timeout, "10s",
              "=TIME with --upstream: how long that server may take to answer, and for each 10 KiB of its answer");
DEFINE_string(upstream_fresh, "1m",
              "=TIME with --upstream: how long a copy is served without asking again, unless that server says; then it "
              "is served once more while it is asked");
DEFINE_int64(
    upstream_cache, 0,
    "=BYTES with --upstream: the most that all copies may have together; those unused for longest are removed; "
    "0: no limit");

namespace polyserve {

namespace {

constexpr char kScheme[] = "http://";
constexpr int kDefaultPort = 80;

absl::Status Malformed(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--upstream=", FLAGS_upstream, ": ", why));
}

// A host without a port: the last colon is within the brackets of an address of IPv6, or there is none.
std::string WithPort(absl::string_view host) {
  const size_t colon = host.rfind(':');
  const bool has_port = colon != absl::string_view::npos && (host[0] != '[' || host[colon - 1] == ']');
  return has_port ? std::string(host) : absl::StrCat(host, ":", kDefaultPort);
}

// The prefix stands in a line of each request as it is, so it must be what may stand there.
bool IsPath(absl::string_view path) {
  return std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
}

absl::Status ReadAddress(Origin& origin) {
  absl::string_view rest = FLAGS_upstream;
  if (absl::StartsWith(rest, "https://")) return Malformed("there is no TLS to that server yet; expected http://");
  if (!absl::ConsumePrefix(&rest, kScheme)) return Malformed("expected http://HOST:PORT/PREFIX");
  const absl::string_view host = rest.substr(0, rest.find('/'));
  absl::string_view prefix = rest.substr(host.size());
  while (absl::ConsumeSuffix(&prefix, "/")) continue;
  if (host.empty() || !IsPath(host)) return Malformed("expected http://HOST:PORT/PREFIX");
  if (!IsPath(prefix)) return Malformed("the prefix is a path, percent-encoded, without a query");
  origin.host = std::string(host);
  origin.prefix = std::string(prefix);
  if (Process::IsImage()) return absl::OkStatus();
  const absl::StatusOr<Endpoint> at = Endpoint::Parse(WithPort(host));
  if (!at.ok()) return Malformed(at.status().message());
  if (at->port() == 0) return Malformed("no server listens at port 0");
  origin.at = *at;
  return absl::OkStatus();
}

absl::Status ReadTime(absl::string_view name, absl::string_view value, absl::Duration least, absl::Duration& time) {
  const absl::StatusOr<absl::Duration> parsed = ParseTimeFlag(name, value);
  if (!parsed.ok()) return parsed.status();
  if (*parsed < least) return absl::InvalidArgumentError(absl::StrCat("--", name, " is below 1ms; 'inf' is for never"));
  time = *parsed;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UpstreamOptions> UpstreamOptionsFromFlags(int64_t max_file_bytes) {
  Origin origin;
  absl::Status status = ReadTime("upstream_timeout", FLAGS_upstream_timeout, absl::Milliseconds(1), origin.timeout);
  status.Update(ReadTime("upstream_fresh", FLAGS_upstream_fresh, absl::ZeroDuration(), origin.fresh));
  status.Update(CheckFlagRange("upstream_cache", FLAGS_upstream_cache, 0, INT64_MAX));
  if (!status.ok()) return status;
  if (FLAGS_upstream.empty()) {
    for (const char* flag : {"upstream_timeout", "upstream_fresh", "upstream_cache"}) {
      if (!IsFlagSet(flag)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("--", flag, " goes with --upstream=http://HOST:PORT/PREFIX; leave it out, or give both"));
    }
    return UpstreamOptions();
  }
  if (absl::Status address = ReadAddress(origin); !address.ok()) return address;
  origin.max_file_bytes =
      FLAGS_upstream_cache > 0 ? std::min<int64_t>(FLAGS_upstream_cache, max_file_bytes) : max_file_bytes;
  return UpstreamOptions{std::make_shared<const Origin>(std::move(origin)), FLAGS_upstream_cache};
}

absl::Status CheckUpstreamIsNot(const Endpoint& listener, const UpstreamOptions& options) {
  if (options.origin == nullptr || !Reaches(options.origin->at, listener)) return absl::OkStatus();
  return Malformed("that is this server itself; name another one");
}

}  // namespace polyserve
