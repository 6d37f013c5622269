#include "protocol/http/credentials.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace polyserve {

namespace {

HttpCredentials SplitAt(absl::string_view text, size_t separator) {
  if (separator == absl::string_view::npos) return {};
  return {std::string(text.substr(0, separator)), std::string(text.substr(separator + 1))};
}

}  // namespace

// Schemes have no case (RFC 9110, section 11.1). Base64Unescape() is lenient with padding and blanks, which matters
// not: what it returns is compared as a whole.
std::optional<HttpCredentials> ParseHttpCredentials(const HttpRequest::Field& authorization) {
  if (!authorization.has_value()) return std::nullopt;
  const size_t blank = authorization->find(' ');
  const absl::string_view scheme = authorization->substr(0, blank);
  const absl::string_view rest = blank == absl::string_view::npos
                                     ? absl::string_view()
                                     : absl::StripLeadingAsciiWhitespace(authorization->substr(blank));
  if (absl::EqualsIgnoreCase(scheme, "Bearer")) return SplitAt(rest, rest.rfind('.'));
  if (!absl::EqualsIgnoreCase(scheme, "Basic")) return std::nullopt;
  std::string decoded;
  if (!absl::Base64Unescape(rest, &decoded)) return HttpCredentials{};
  return SplitAt(decoded, decoded.find(':'));
}

}  // namespace polyserve
