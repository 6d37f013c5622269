#include "room/redis/redis_url.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

constexpr int kMaxDatabase = 1'000'000;  // Redis has 16 unless it is told otherwise.
constexpr absl::string_view kUsualPort = ":6379";

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; expected redis://[USER:PASSWORD@]HOST:PORT/DB, or rediss:// for TLS"));
}

// False if a "%" is not followed by two hexadecimal digits.
bool Decode(absl::string_view text, std::string& decoded) {
  decoded.clear();
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    const absl::string_view digits = text.substr(at + 1, 2);
    if (digits.size() < 2 || !std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit)) return false;
    decoded += absl::HexStringToBytes(digits);
    at += digits.size();
  }
  return true;
}

// The last "@": one in a password should be written as %40, but nothing else could be meant.
absl::Status TakeUser(absl::string_view& rest, RedisUrl& url) {
  const size_t at = rest.rfind('@');
  if (at == absl::string_view::npos) return absl::OkStatus();
  const absl::string_view both = rest.substr(0, at);
  const size_t colon = both.find(':');
  if (colon == absl::string_view::npos) return Malformed("a password has a colon in front of it");
  if (!Decode(both.substr(0, colon), url.user) || !Decode(both.substr(colon + 1), url.password)) {
    return Malformed("behind a '%' stand two hexadecimal digits");
  }
  if (url.password.empty()) return Malformed("the password is empty");
  rest.remove_prefix(at + 1);
  return absl::OkStatus();
}

}  // namespace

std::string RedisUrl::shown() const { return absl::StrCat(has_tls ? "rediss://" : "redis://", address, "/", database); }

absl::StatusOr<RedisUrl> RedisUrl::Parse(absl::string_view text) {
  RedisUrl url;
  url.has_tls = absl::ConsumePrefix(&text, "rediss://");
  if (!url.has_tls && !absl::ConsumePrefix(&text, "redis://")) return Malformed("the scheme is not redis");
  if (absl::Status status = TakeUser(text, url); !status.ok()) return status;
  const size_t slash = text.find('/');
  if (slash != absl::string_view::npos) {
    const absl::string_view database = text.substr(slash + 1);
    if (!database.empty() &&
        (!absl::SimpleAtoi(database, &url.database) || url.database < 0 || url.database > kMaxDatabase)) {
      return Malformed("the database is not a number");
    }
    text = text.substr(0, slash);
  }
  if (text.empty() || text[0] == ':') return Malformed("the host is missing");
  // The colons of an IPv6 address stand in its brackets.
  const size_t colon = text.rfind(':');
  const bool has_port = colon != absl::string_view::npos && !absl::EndsWith(text, "]");
  url.address = absl::StrCat(text, has_port ? "" : kUsualPort);
  absl::string_view host = has_port ? text.substr(0, colon) : text;
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  url.host = std::string(host);
  return url;
}

}  // namespace polyserve
