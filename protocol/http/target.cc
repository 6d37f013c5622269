#include "protocol/http/target.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

// The value of the digit, -1 if it is none. Both cases mean the same (RFC 3986, section 2.1).
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Decodes percent-encoding once, never twice: a name may hold "%41" itself, and a second pass would turn "%252e%252e"
// into ".." behind the back of a proxy that has checked the path. An encoded slash could stand only within a name, and
// no name has one; decoding it would move the name to another directory. Other bytes that no name can hold, such as
// NUL, are for Library to refuse. A "+" stays one: it stands for a blank only in a form's query.
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

// A path in its normal form, with nothing to decode and no query, as nearly all targets are: one look at each byte,
// where the functions around this one take several.
bool IsPlainPath(absl::string_view target) {
  char before = '\0';
  for (const char c : target) {
    if (c == '%' || c == '?' || c == '#' || (before == '/' && (c == '/' || c == '.'))) return false;
    before = c;
  }
  return absl::StartsWith(target, "/");
}

// The name of a path that is decoded and normalised.
HttpTarget TargetOf(absl::string_view path, absl::string_view query) {
  absl::ConsumePrefix(&path, "/");
  HttpTarget target;
  target.is_directory = path.empty() || absl::ConsumeSuffix(&path, "/");
  target.name = std::string(path);
  target.query = query;
  return target;
}

// Merges slashes and removes the parts "." and ".." of a path that begins with a slash (RFC 3986, section 5.2.4).
// Unlike the RFC, which ignores a ".." that would lead out of the root, it returns false: only a broken link or
// an attack asks for that. Runs on the decoded path, so that "%2e%2e" is ".." as well (section 6.2.2.2).
bool Normalize(std::string& path) {
  // Nearly all paths are normal already, and need no list of parts.
  if (!absl::StrContains(path, "//") && !absl::StrContains(path, "/.")) return true;
  std::vector<absl::string_view> parts;
  bool ends_in_slash = false;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    // The RFC leaves the slash in front of a "." or ".." at the end: "/a/." and "/a/b/.." are the directory "/a/".
    ends_in_slash = part.empty() || part == "." || part == "..";
    if (part == ".." && parts.empty()) return false;
    if (part == "..") parts.pop_back();
    if (!ends_in_slash) parts.push_back(part);
  }
  path = absl::StrCat("/", absl::StrJoin(parts, "/"), ends_in_slash && !parts.empty() ? "/" : "");
  return true;
}

// Removes scheme and authority of the absolute form; the parser has taken the authority for the Host. False if they are
// malformed. What is left may be empty, which is the root (RFC 3986, section 6.2.3). A server must take this form even
// though only proxies are sent it (RFC 9112, section 3.2.2). Both schemes pass, since a proxy in front may speak TLS.
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

// The characters of a path (RFC 3986, section 3.3) but for the colon and the apostrophe, so that the result is safe as
// a relative reference as well ("a:b" reads as a scheme, section 4.2), and between quotes in HTML.
bool StaysInPath(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         absl::StrContains("-._~/!$&()*+,;=@", absl::string_view(&c, 1));
}

}  // namespace

absl::StatusOr<HttpTarget> ParseHttpTarget(absl::string_view target) {
  if (IsPlainPath(target)) return TargetOf(target, "");
  if (!absl::StartsWith(target, "/") && !StripOrigin(target)) {
    return absl::InvalidArgumentError("the target is neither a path nor an http URL");
  }
  // Clients keep the fragment to themselves (RFC 9110, section 7.1); one that sends it has not parsed its own URL.
  if (absl::StrContains(target, '#')) return absl::InvalidArgumentError("the target must not hold a fragment");
  const absl::string_view path = target.substr(0, target.find('?'));
  absl::StatusOr<std::string> decoded = Decode(path);
  if (!decoded.ok()) return decoded.status();
  if (!Normalize(*decoded)) return absl::InvalidArgumentError("the target leads out of the root");
  return TargetOf(*decoded, target.substr(path.size()));
}

// Upper-case digits, as RFC 3986, section 2.1, recommends. What is not ASCII is encoded byte by byte, which for UTF-8
// is what browsers do.
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
