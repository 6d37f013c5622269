#include "fetch/freshness.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

constexpr int64_t kMostSeconds = int64_t{365} * 24 * 60 * 60;

// Takes the next directive off the list, with its argument. An argument in quotes may hold commas (RFC 9110, section
// 5.6.4), as that of private="Set-Cookie, X-Other" does.
absl::string_view TakeDirective(absl::string_view& list) {
  size_t end = 0;
  bool is_quoted = false;
  for (; end < list.size() && (is_quoted || list[end] != ','); ++end) {
    if (list[end] == '"') is_quoted = !is_quoted;
    if (is_quoted && list[end] == '\\') ++end;
  }
  const absl::string_view directive = list.substr(0, end);
  list.remove_prefix(std::min(list.size(), end + 1));
  return absl::StripAsciiWhitespace(directive);
}

// "max-age=60", also max-age="60", which recipients ought to accept (RFC 9111, section 5.2). One that cannot be read
// means that the content is stale (section 4.2.1).
std::optional<int64_t> SecondsOf(absl::string_view directive, absl::string_view name) {
  if (!absl::StartsWithIgnoreCase(directive, name)) return std::nullopt;
  directive.remove_prefix(name.size());
  if (!absl::ConsumePrefix(&directive, "=")) return std::nullopt;
  absl::ConsumePrefix(&directive, "\"");
  absl::ConsumeSuffix(&directive, "\"");
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(directive, &seconds) || seconds < 0) return 0;
  return std::min(seconds, kMostSeconds);
}

// Without or with an argument: those that limit the directive to some fields are taken as if they named all.
bool Is(absl::string_view directive, absl::string_view name) {
  return absl::EqualsIgnoreCase(directive.substr(0, directive.find('=')), name);
}

}  // namespace

// s-maxage, which is for shared caches as this one is, goes before max-age (RFC 9111, section 5.2.2.10), and implies
// proxy-revalidate. Either goes before Expires (section 5.3).
Freshness FreshnessOf(absl::string_view cache_control, std::optional<int64_t> age, int64_t fallback_seconds,
                      std::optional<int64_t> expires_in) {
  Freshness freshness;
  std::optional<int64_t> max_age;
  std::optional<int64_t> shared_max_age;
  bool is_stale_at_once = false;
  while (!cache_control.empty()) {
    const absl::string_view directive = TakeDirective(cache_control);
    if (Is(directive, "no-store") || Is(directive, "private")) freshness.may_keep = false;
    if (Is(directive, "no-cache")) is_stale_at_once = true;
    if (Is(directive, "must-revalidate") || Is(directive, "proxy-revalidate")) freshness.must_validate = true;
    if (const std::optional<int64_t> seconds = SecondsOf(directive, "max-age")) max_age = seconds;
    if (const std::optional<int64_t> seconds = SecondsOf(directive, "s-maxage")) shared_max_age = seconds;
  }
  freshness.must_validate = freshness.must_validate || is_stale_at_once || shared_max_age.has_value();
  if (is_stale_at_once) return freshness;
  std::optional<int64_t> named = shared_max_age.has_value() ? shared_max_age : max_age;
  if (!named.has_value() && expires_in.has_value()) named = std::clamp<int64_t>(*expires_in, 0, kMostSeconds);
  freshness.fresh_seconds =
      named.has_value() ? std::max<int64_t>(*named - age.value_or(0), 0) : std::min(fallback_seconds, kMostSeconds);
  return freshness;
}

}  // namespace polyserve
