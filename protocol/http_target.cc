#include "protocol/http_target.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

absl::StatusOr<std::string> Decode(absl::string_view path) {
  if (!absl::StrContains(path, '%')) return std::string(path);
  std::string name;
  name.reserve(path.size());
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      name.push_back(path[i]);
      continue;
    }
    const int high = i + 2 < path.size() ? HexDigit(path[i + 1]) : -1;
    const int low = i + 2 < path.size() ? HexDigit(path[i + 2]) : -1;
    if (high < 0 || low < 0) return absl::InvalidArgumentError("the target is not well encoded");
    const char c = static_cast<char>(high * 16 + low);
    if (c == '/') return absl::InvalidArgumentError("no name can hold an encoded slash");
    name.push_back(c);
    i += 2;
  }
  return name;
}

// Removes scheme and authority of the absolute form. False where they are malformed.
bool StripOrigin(absl::string_view& target) {
  const size_t colon = target.find("://");
  if (colon == absl::string_view::npos) return false;
  const absl::string_view scheme = target.substr(0, colon);
  if (!absl::EqualsIgnoreCase(scheme, "http") && !absl::EqualsIgnoreCase(scheme, "https")) return false;
  target.remove_prefix(colon + 3);
  const size_t authority_size = std::min(target.find_first_of("/?"), target.size());
  if (authority_size == 0) return false;
  target.remove_prefix(authority_size);
  return true;
}

bool StaysInPath(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("-._~/!$&()*+,;=@", absl::string_view(&c, 1));
}

}  // namespace

absl::StatusOr<HttpTarget> ParseHttpTarget(absl::string_view target) {
  if (!absl::StartsWith(target, "/") && !StripOrigin(target)) {
    return absl::InvalidArgumentError("the target is neither a path nor an http URL");
  }
  if (absl::StrContains(target, '#')) return absl::InvalidArgumentError("the target must not hold a fragment");
  HttpTarget result;
  absl::string_view path = target.substr(0, target.find('?'));
  result.query = target.substr(path.size());
  absl::ConsumePrefix(&path, "/");
  result.is_directory = path.empty() || absl::ConsumeSuffix(&path, "/");
  absl::StatusOr<std::string> name = Decode(path);
  if (!name.ok()) return name.status();
  result.name = *std::move(name);
  // The library takes "" for the root; here it is something between two slashes that is missing.
  if (result.name.empty() && target.substr(0, 2) == "//")
    return absl::InvalidArgumentError("the name has an empty part");
  return result;
}

std::string EncodeHttpPath(absl::string_view name) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string path;
  path.reserve(name.size());
  for (char c : name) {
    if (StaysInPath(c)) {
      path.push_back(c);
    } else {
      const unsigned char byte = static_cast<unsigned char>(c);
      path.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return path;
}

}  // namespace polyserve
