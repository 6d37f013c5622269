#include "protocol/other_protocol.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace polyserve {

namespace {

// A record of type handshake (22), and the major version that all versions of TLS send (RFC 8446, section 5.1).
constexpr absl::string_view kTlsHandshake = "\x16\x03";

// "GET /", "POST http://", "OPTIONS *": a method is a word of the client's choice, what follows is not. The fourth form
// of a target, the authority of a CONNECT, is left out: a browser sends that to its proxy only, never to a server of a
// page's choice.
bool BeginsRequestLine(absl::string_view line) {
  const size_t space = line.find(' ');
  if (space == 0 || space == absl::string_view::npos) return false;
  const absl::string_view target = line.substr(space + 1);
  return absl::StartsWith(target, "/") || absl::StartsWith(target, "*") || absl::StartsWithIgnoreCase(target, "http");
}

// " HTTP/1.1"
bool EndsInVersion(absl::string_view line) {
  constexpr absl::string_view kName = " HTTP/";
  constexpr size_t kBytes = kName.size() + 3;
  if (line.size() < kBytes) return false;
  const absl::string_view version = line.substr(line.size() - kBytes);
  return absl::StartsWith(version, kName) && absl::ascii_isdigit(version[kBytes - 3]) && version[kBytes - 2] == '.' &&
         absl::ascii_isdigit(version[kBytes - 1]);
}

}  // namespace

// The cheap test of the end comes first: hardly any line of another service passes it. A request line has two spaces
// (RFC 9112, section 3), so a sentence of a chat that ends in " HTTP/1.1" is none.
bool IsOfOtherProtocol(absl::string_view line) {
  if (absl::StartsWith(line, kTlsHandshake)) return true;
  return EndsInVersion(line) && BeginsRequestLine(line) && std::count(line.begin(), line.end(), ' ') == 2;
}

bool MayBeOfOtherProtocol(absl::string_view beginning) {
  return absl::StartsWith(beginning, kTlsHandshake) || BeginsRequestLine(beginning);
}

}  // namespace polyserve
