#include "protocol/http/encoding.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

// Ordered by the usual size of the result, the smallest first. "br" is RFC 7932, "zstd" RFC 8878, "gzip" RFC 1952.
// "x-gzip", which old clients sent for gzip (RFC 9110, section 8.4.1.3), is not known: they get the plain file.
constexpr HttpEncoding kEncodings[] = {{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}};

// "0.75" in thousandths; what is malformed counts as 0. A weight has three decimals at most (RFC 9110, section 12.4.2).
// "1.5" is malformed, too, but it does no harm to count it as 1.
int ParseWeight(absl::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1') || text.size() > 5) return 0;
  int weight = (text[0] - '0') * 1000;
  if (text.size() > 1 && text[1] != '.') return 0;
  int digit_worth = 100;
  for (size_t i = 2; i < text.size(); ++i, digit_worth /= 10) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return 0;
    weight += (text[i] - '0') * digit_worth;
  }
  return std::min(weight, 1000);
}

// The weight of a coding, in thousandths, if the list names it; without a weight it has the highest. The list can be
// split at commas, because no element of this field holds a quoted string. A parameter that is no weight is passed
// over: none is defined.
std::optional<int> NamedWeight(absl::string_view list, absl::string_view coding) {
  for (absl::string_view element : absl::StrSplit(list, ',')) {
    const size_t semicolon = element.find(';');
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(element.substr(0, semicolon)), coding)) continue;
    if (semicolon == absl::string_view::npos) return 1000;
    absl::string_view parameter = absl::StripAsciiWhitespace(element.substr(semicolon + 1));
    if (!absl::ConsumePrefix(&parameter, "q=") && !absl::ConsumePrefix(&parameter, "Q=")) return 1000;
    return ParseWeight(parameter);
  }
  return std::nullopt;
}

constexpr size_t kMaxKeptBytes = 128;  // Of a field that is cached; those of browsers have about thirty.

absl::InlinedVector<HttpEncoding, 3> Parse(absl::string_view accept_encoding) {
  struct Weighed {
    int weight;
    HttpEncoding encoding;
  };
  // "*" stands for the codings that are not named. "identity" is always acceptable unless excluded, but a client that
  // does not name it prefers any coding that it names.
  const std::optional<int> any = NamedWeight(accept_encoding, "*");
  const int identity = NamedWeight(accept_encoding, "identity").value_or(0);
  absl::InlinedVector<Weighed, 3> weighed;
  for (const HttpEncoding& encoding : kEncodings) {
    const std::optional<int> named = NamedWeight(accept_encoding, encoding.name);
    const int weight = named.value_or(any.value_or(0));
    if (weight > 0 && weight >= identity) weighed.push_back({weight, encoding});
  }
  // Stable, so that among equal weights the order of kEncodings stays, by size.
  std::stable_sort(weighed.begin(), weighed.end(),
                   [](const Weighed& a, const Weighed& b) { return a.weight > b.weight; });
  absl::InlinedVector<HttpEncoding, 3> result;
  for (const Weighed& one : weighed) result.push_back(one.encoding);
  return result;
}

}  // namespace

// A client sends the same field in all its requests, and most clients send one of a few. Parsing it each time would
// take half as many instructions as everything else that a small request does.
absl::InlinedVector<HttpEncoding, 3> AcceptedHttpEncodings(absl::string_view accept_encoding) {
  struct Parsed {
    std::string field;
    absl::InlinedVector<HttpEncoding, 3> encodings;  // An empty field accepts none.
  };
  static thread_local Parsed latest;
  if (accept_encoding == latest.field) return latest.encodings;
  if (accept_encoding.size() > kMaxKeptBytes) return Parse(accept_encoding);
  latest = {std::string(accept_encoding), Parse(accept_encoding)};
  return latest.encodings;
}

}  // namespace polyserve
