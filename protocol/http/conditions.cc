#include "protocol/http/conditions.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/http/date.h"

namespace polyserve {

namespace {

enum class Comparison { kStrong, kWeak };

// Takes the next entity tag off a list, with its quotes; "" at its end, or if it is malformed. A tag may hold commas,
// so the list cannot just be split. A backslash is a character like any other (RFC 9110, section 8.8.3), so the next
// quote is the end.
absl::string_view TakeTag(absl::string_view& list) {
  list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
  const size_t quote = absl::StartsWith(list, "W/") ? 2 : 0;
  if (list.substr(quote, 1) != "\"") return "";
  const size_t end = list.find('"', quote + 1);
  if (end == absl::string_view::npos) return "";
  const absl::string_view tag = list.substr(0, end + 1);
  list.remove_prefix(end + 1);
  return tag;
}

bool IsWeak(absl::string_view tag) { return absl::StartsWith(tag, "W/"); }

// Under weak comparison W/"a" equals "a" (section 8.8.3.2), and under strong comparison nothing equals a weak tag. What
// is behind a malformed tag is ignored.
bool ListHolds(absl::string_view list, absl::string_view current, Comparison comparison) {
  if (comparison == Comparison::kStrong && IsWeak(current)) return false;
  absl::ConsumePrefix(&current, "W/");
  while (true) {
    absl::string_view tag = TakeTag(list);
    if (tag.empty()) return false;
    if (comparison == Comparison::kWeak) absl::ConsumePrefix(&tag, "W/");
    if (tag == current) return true;
  }
}

// "*" stands for any state, but not for the absence of a file: so "If-None-Match: *" lets a PUT only create.
bool Matches(absl::string_view field, const FileStamp* file, absl::string_view etag, Comparison comparison) {
  if (file == nullptr) return false;
  if (field == "*") return true;
  return etag.empty() ? ListHolds(field, HttpETag(*file), comparison) : ListHolds(field, etag, comparison);
}

// In whole seconds, like Last-Modified, which is what the client has the date from. `when_not_a_date` is the result
// that leaves the condition without effect, as sections 13.1.3 and 13.1.4 demand for a date that cannot be read.
bool ModifiedSince(absl::string_view field, const FileStamp* file, bool when_not_a_date) {
  const std::optional<int64_t> date = ParseHttpDate(field);
  if (!date.has_value() || file == nullptr) return when_not_a_date;
  return file->mtime > *date;
}

}  // namespace

// Modulo 2^64: any owner may set a time that in nanoseconds has more bits.
std::string HttpETag(const FileStamp& file) {
  const uint64_t mtime =
      static_cast<uint64_t>(file.mtime) * 1'000'000'000 + static_cast<uint64_t>(file.mtime_nanoseconds);
  return absl::StrCat("\"", absl::Hex(file.inode), "-", absl::Hex(file.size), "-", absl::Hex(mtime), "-",
                      absl::Hex(file.touched), "\"");
}

std::string HttpETagOf(const Library::File& file) {
  const FileStamp& stamp = file;
  if (file.copy == nullptr) return HttpETag(stamp);
  if (!file.copy->etag.empty()) return file.copy->etag;
  FileStamp untouched = stamp;
  untouched.touched = 0;
  return HttpETag(untouched);
}

// In the order of section 13.2.2: first the fields that protect a change (412), then those that save a transfer (304).
// In each pair the tag wins and the date is ignored, because dates cannot tell two changes within a second apart.
// If-Modified-Since is for reads alone (section 13.1.3).
HttpVerdict CheckHttpConditions(const HttpRequest& request, const FileStamp* file, absl::string_view etag) {
  const bool reads = request.method == HttpMethod::kGet || request.method == HttpMethod::kHead;
  if (request.if_match.has_value()) {
    if (!Matches(*request.if_match, file, etag, Comparison::kStrong)) return HttpVerdict::kFailed;
  } else if (request.if_unmodified_since.has_value()) {
    if (ModifiedSince(*request.if_unmodified_since, file, false)) return HttpVerdict::kFailed;
  }
  if (request.if_none_match.has_value()) {
    if (Matches(*request.if_none_match, file, etag, Comparison::kWeak)) {
      return reads ? HttpVerdict::kNotModified : HttpVerdict::kFailed;
    }
  } else if (reads && request.if_modified_since.has_value()) {
    if (!ModifiedSince(*request.if_modified_since, file, true)) return HttpVerdict::kNotModified;
  }
  return HttpVerdict::kGoOn;
}

// Strong comparison (section 13.1.5): a part of one state must never be joined to a part of another. A date must be
// equal, not just later.
bool HttpRangeApplies(const HttpRequest& request, const FileStamp& file, absl::string_view etag) {
  if (!request.if_range.has_value()) return true;
  if (absl::StrContains(*request.if_range, "\"")) {
    if (IsWeak(*request.if_range)) return false;
    return *request.if_range == (etag.empty() ? HttpETag(file) : std::string(etag));
  }
  return ParseHttpDate(*request.if_range) == file.mtime;
}

}  // namespace polyserve
