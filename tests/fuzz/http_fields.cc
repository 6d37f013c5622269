// What http parses by itself: targets, ranges, dates, codings, conditions, credentials. Each is shown the same text.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "files/name.h"
#include "protocol/http/conditions.h"
#include "protocol/http/credentials.h"
#include "protocol/http/date.h"
#include "protocol/http/encoding.h"
#include "protocol/http/host.h"
#include "protocol/http/range.h"
#include "protocol/http/request.h"
#include "protocol/http/target.h"

namespace {

void CheckTarget(absl::string_view text) {
  const absl::StatusOr<polyserve::HttpTarget> target = polyserve::ParseHttpTarget(text);
  if (!target.ok() || !polyserve::CheckName(target->name).ok()) return;
  // A file can have this name: the link that is written for it leads back to it.
  const absl::StatusOr<polyserve::HttpTarget> again =
      polyserve::ParseHttpTarget(absl::StrCat("/", polyserve::EncodeHttpPath(target->name)));
  CHECK(again.ok()) << again.status();
  CHECK_EQ(again->name, target->name);
}

// The parts of a host are the whole, and an address is always answered for.
void CheckHost(absl::string_view text) {
  const std::optional<polyserve::HttpHost> host = polyserve::ParseHttpHost(text);
  if (!host.has_value()) return;
  CHECK(text == host->name || text == absl::StrCat(host->name, ":", host->port));
  if (host->is_address) CHECK(polyserve::HttpAllowedHosts::Parse("")->Allow(text));
  if (!host->name.empty()) polyserve::HttpAllowedHosts::Parse(host->name).status().IgnoreError();
}

void CheckRanges(absl::string_view text) {
  for (const int64_t file_size : {int64_t{0}, int64_t{1}, int64_t{1000}, INT64_MAX}) {
    const polyserve::HttpRanges ranges = polyserve::ParseHttpRanges(text, file_size);
    CHECK_LE(ranges.parts.size(), polyserve::kMaxHttpRanges);
    CHECK_EQ(ranges.parts.empty(), ranges.kind != polyserve::HttpRanges::Kind::kParts);
    for (const polyserve::HttpRange& part : ranges.parts) {
      CHECK(part.begin >= 0 && part.length >= 1 && part.begin <= file_size - part.length);
    }
  }
}

void CheckDate(absl::string_view text) {
  const std::optional<int64_t> date = polyserve::ParseHttpDate(text);
  if (date.has_value()) CHECK(polyserve::ParseHttpDate(polyserve::FormatHttpDate(*date)) == date);
}

void CheckConditions(absl::string_view text) {
  constexpr polyserve::FileStamp kFile = {.size = 1, .mtime = 784111777, .mtime_nanoseconds = 0, .inode = 1};
  for (polyserve::HttpRequest::Field polyserve::HttpRequest::*field :
       {&polyserve::HttpRequest::if_match, &polyserve::HttpRequest::if_none_match,
        &polyserve::HttpRequest::if_modified_since, &polyserve::HttpRequest::if_unmodified_since,
        &polyserve::HttpRequest::if_range}) {
    polyserve::HttpRequest request;
    request.method = polyserve::HttpMethod::kGet;
    request.*field = text;
    polyserve::CheckHttpConditions(request, &kFile);
    polyserve::CheckHttpConditions(request, nullptr);
    polyserve::HttpRangeApplies(request, kFile);
  }
}

// Nothing is added to what was sent, and a name ends before its secret.
void CheckCredentials(absl::string_view text) {
  const std::optional<polyserve::HttpCredentials> credentials = polyserve::ParseHttpCredentials(text);
  if (credentials.has_value()) CHECK(credentials->name.size() + credentials->secret.size() < text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckTarget(text);
  CheckHost(text);
  CheckRanges(text);
  CheckDate(text);
  CheckConditions(text);
  CheckCredentials(text);
  CHECK_LE(polyserve::AcceptedHttpEncodings(text).size(), 3u);
  return 0;
}
