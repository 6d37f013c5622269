#include "protocol/http/host.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

constexpr int kMaxPort = 65535;

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsHexDigit(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }

// A number of at most that many digits, without leading zeros if it is decimal.
bool IsNumberUpTo(absl::string_view text, int most) {
  int number = 0;
  return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), IsDigit) &&
         absl::SimpleAtoi(text, &number) && number <= most;
}

bool IsIpv4(absl::string_view text) {
  int parts = 0;
  for (const absl::string_view part : absl::StrSplit(text, '.')) {
    if (part.size() > 3 || !IsNumberUpTo(part, 255) || (part.size() > 1 && part[0] == '0')) return false;
    ++parts;
  }
  return parts == 4;
}

// How many groups of 16 bits a run of them has, the last of which may be an IPv4 address; nothing if it is malformed.
std::optional<int> CountGroups(absl::string_view text) {
  if (text.empty()) return 0;
  int groups = 0;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  for (const absl::string_view& part : parts) {
    const bool is_group = !part.empty() && part.size() <= 4 && std::all_of(part.begin(), part.end(), IsHexDigit);
    if (!is_group && (&part != &parts.back() || !IsIpv4(part))) return std::nullopt;
    groups += is_group ? 1 : 2;
  }
  return groups;
}

bool IsIpv6(absl::string_view text) {
  constexpr int kGroups = 8;
  const size_t gap = text.find("::");
  if (gap == absl::string_view::npos) return CountGroups(text) == kGroups;
  const absl::string_view before = text.substr(0, gap);
  const std::optional<int> left = CountGroups(before);
  const std::optional<int> right = CountGroups(text.substr(gap + 2));
  if (!left.has_value() || !right.has_value() || absl::StrContains(before, '.')) return false;
  return *left + *right < kGroups;
}

// What may stand in a name beside escapes: unreserved characters and sub-delims, but for the comma.
bool StandsInName(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("-._~!$&'()*+;=", absl::string_view(&c, 1));
}

bool IsName(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (StandsInName(text[i])) continue;
    if (text[i] != '%' || i + 2 >= text.size() || !IsHexDigit(text[i + 1]) || !IsHexDigit(text[i + 2])) return false;
    i += 2;
  }
  return true;
}

// An address in brackets may also be one of a future version.
bool IsInBrackets(absl::string_view text) {
  if (!absl::StartsWithIgnoreCase(text, "v")) return IsIpv6(text);
  const size_t dot = text.find('.');
  if (dot == absl::string_view::npos || dot < 2 || dot + 1 == text.size()) return false;
  const absl::string_view version = text.substr(1, dot - 1);
  const absl::string_view address = text.substr(dot + 1);
  return std::all_of(version.begin(), version.end(), IsHexDigit) &&
         std::all_of(address.begin(), address.end(), [](char c) { return StandsInName(c) || c == ':'; });
}

// Names are alike whatever their case, and with a dot at their end.
bool IsSameOrBelow(absl::string_view name, absl::string_view domain, bool may_be_below) {
  if (absl::EqualsIgnoreCase(name, domain)) return true;
  return may_be_below && name.size() > domain.size() && absl::EndsWithIgnoreCase(name, domain) &&
         name[name.size() - domain.size() - 1] == '.';
}

}  // namespace

std::optional<HttpHost> ParseHttpHost(absl::string_view text) {
  HttpHost host;
  const bool has_brackets = absl::StartsWith(text, "[");
  const size_t end = has_brackets ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == absl::string_view::npos) return std::nullopt;
  host.name = text.substr(0, end + (has_brackets ? 1 : 0));
  absl::string_view rest = text.substr(host.name.size());
  if (has_brackets ? !IsInBrackets(text.substr(1, end - 1)) : !IsName(host.name)) return std::nullopt;
  host.is_address = has_brackets || IsIpv4(host.name);
  if (rest.empty()) return host;
  if (!absl::ConsumePrefix(&rest, ":") || host.name.empty()) return std::nullopt;
  if (!rest.empty() && !IsNumberUpTo(rest, kMaxPort)) return std::nullopt;
  host.port = rest;
  return host;
}

absl::StatusOr<HttpAllowedHosts> HttpAllowedHosts::Parse(absl::string_view list) {
  HttpAllowedHosts allowed;
  allowed.allows_any_ = false;
  for (const absl::string_view entry : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    if (entry == "*") {
      allowed.allows_any_ = true;
      continue;
    }
    const std::optional<HttpHost> host = ParseHttpHost(entry);
    if (!host.has_value() || host->name != entry || absl::StrContains(entry, '*') || entry == ".") {
      return absl::InvalidArgumentError(
          absl::StrCat("'", entry, "' is no host name; there are example.org, .example.org with all below it, and *"));
    }
    allowed.names_.emplace_back(absl::StripSuffix(entry, "."));
  }
  return allowed;
}

bool HttpAllowedHosts::Allow(absl::string_view host) const {
  if (allows_any_ || host.empty()) return true;
  const std::optional<HttpHost> parsed = ParseHttpHost(host);
  if (!parsed.has_value()) return false;
  if (parsed->is_address) return true;
  const absl::string_view name = absl::StripSuffix(parsed->name, ".");
  // Nobody can register a name of one label, so it is one of this network's own.
  if (!absl::StrContains(name, '.') || IsSameOrBelow(name, "localhost", /*may_be_below=*/true)) return true;
  return std::any_of(names_.begin(), names_.end(), [name](absl::string_view entry) {
    const bool is_domain = absl::ConsumePrefix(&entry, ".");
    return IsSameOrBelow(name, entry, is_domain);
  });
}

}  // namespace polyserve
