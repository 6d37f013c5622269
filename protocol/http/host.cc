#include "protocol/http/host.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

constexpr int kMaxPort = 65535;

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsHexDigit(char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); }

// 1 to 5 digits. Leading zeros are allowed: the grammar of a port has them.
bool IsPort(absl::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  int number = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    number = 10 * number + (c - '0');
  }
  return number <= kMaxPort;
}

// Four decimal parts without leading zeros (RFC 3986, section 3.2.2). Some resolvers read "010" as octal and "127.1" as
// an address; here both are names, and have to be allowed as names. Byte by byte, and not by StrSplit() and
// SimpleAtoi(), which would cost more than all else that is done with the head of a request.
bool IsIpv4(absl::string_view text) {
  int dots = 0;
  int digits = 0;  // Of the present part,
  int number = 0;  // and what they mean.
  for (const char c : text) {
    if (c == '.') {
      if (digits == 0 || ++dots > 3) return false;
      digits = number = 0;
      continue;
    }
    if (!IsDigit(c) || (digits > 0 && number == 0)) return false;
    number = 10 * number + (c - '0');
    if (++digits > 3 || number > 255) return false;
  }
  return dots == 3 && digits > 0;
}

// The number of 16-bit groups in a part of an IPv6 address without "::". The last one may be an IPv4 address, which
// counts as two. Nothing if it is malformed.
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

// "::" stands for one group or more (RFC 4291, section 2.2), and may come once: in what is behind it, CountGroups()
// finds an empty part. An IPv4 address can only come last, so not before the gap.
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

constexpr std::array<bool, 256> MakeNameChars() {
  std::array<bool, 256> table = {};
  for (size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (size_t c = 'A'; c <= 'Z'; ++c) table[c] = table[c - 'A' + 'a'] = true;
  for (const unsigned char c : {'-', '.', '_', '~', '!', '$', '&', '\'', '(', ')', '*', '+', ';', '='}) table[c] = true;
  return table;
}

// The characters of a reg-name (RFC 3986, section 3.2.2) beside escapes, but for the comma: a Host that reads as a list
// is what a proxy may have made of two of them. A table, since every request has a Host.
bool StandsInName(char c) {
  static constexpr std::array<bool, 256> kNameChars = MakeNameChars();
  return kNameChars[static_cast<unsigned char>(c)];
}

bool IsName(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (StandsInName(text[i])) continue;
    // Escapes are checked, but not decoded, and so match no name that is allowed.
    if (text[i] != '%' || i + 2 >= text.size() || !IsHexDigit(text[i + 1]) || !IsHexDigit(text[i + 2])) return false;
    i += 2;
  }
  return true;
}

// IPv6address or IPvFuture ("v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )) of RFC 3986, section 3.2.2. An
// address with a zone ("fe80::1%25eth0") is refused: the zone means something on the client's host alone, which must
// leave it out (RFC 6874, section 4).
bool IsInBrackets(absl::string_view text) {
  if (!absl::StartsWithIgnoreCase(text, "v")) return IsIpv6(text);
  const size_t dot = text.find('.');
  if (dot == absl::string_view::npos || dot < 2 || dot + 1 == text.size()) return false;
  const absl::string_view version = text.substr(1, dot - 1);
  const absl::string_view address = text.substr(dot + 1);
  return std::all_of(version.begin(), version.end(), IsHexDigit) &&
         std::all_of(address.begin(), address.end(), [](char c) { return StandsInName(c) || c == ':'; });
}

// The dot before the domain matters: "badexample.org" is not below "example.org". Case does not (RFC 4343).
bool IsSameOrBelow(absl::string_view name, absl::string_view domain, bool may_be_below) {
  if (absl::EqualsIgnoreCase(name, domain)) return true;
  return may_be_below && name.size() > domain.size() && absl::EndsWithIgnoreCase(name, domain) &&
         name[name.size() - domain.size() - 1] == '.';
}

}  // namespace

// In brackets the colon belongs to the address; otherwise the first one begins the port. An empty port is allowed by
// RFC 3986, section 3.2.3, and an empty host by RFC 9112, section 3.2 (a client sends it if the target has no
// authority). Userinfo, as in "user:password@host", is refused: its second part is no port, and an "@" stands in no
// name.
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
  if (!rest.empty() && !IsPort(rest)) return std::nullopt;
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
    // An entry with a port would promise a check that Allow() does not make: it compares names alone.
    if (!host.has_value() || host->name != entry || absl::StrContains(entry, '*') || entry == ".") {
      return absl::InvalidArgumentError(
          absl::StrCat("'", entry, "' is no host name; there are example.org, .example.org with all below it, and *"));
    }
    // With its dot in front, which tells Allow() that names below it are meant, but without one at its end.
    allowed.names_.emplace_back(absl::StripSuffix(entry, "."));
  }
  return allowed;
}

// Addresses are always allowed: DNS rebinding needs a name that the attacker can point here, and a page whose address
// is an IP address was loaded from there. A dot at the end is the same name to DNS.
bool HttpAllowedHosts::Allow(absl::string_view host) const {
  if (allows_any_ || host.empty()) return true;
  const std::optional<HttpHost> parsed = ParseHttpHost(host);
  if (!parsed.has_value()) return false;
  if (parsed->is_address) return true;
  const absl::string_view name = absl::StripSuffix(parsed->name, ".");
  // A name of one label cannot be registered by a stranger: it is one of this network's own. localhost and
  // the names below it are loopback addresses (RFC 6761, section 6.3).
  if (!absl::StrContains(name, '.') || IsSameOrBelow(name, "localhost", /*may_be_below=*/true)) return true;
  return std::any_of(names_.begin(), names_.end(), [name](absl::string_view entry) {
    const bool is_domain = absl::ConsumePrefix(&entry, ".");
    return IsSameOrBelow(name, entry, is_domain);
  });
}

}  // namespace polyserve
