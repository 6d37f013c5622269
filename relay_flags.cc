#include "relay_flags.h"

#include <gflags/gflags.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/command_line.h"
#include "base/ip_address.h"
#include "base/take.h"
#include "net/endpoint.h"

DEFINE_string(
    relay_to, "",
    "=HOST:PORT,... the servers that relay, and http by /-/relay, may ask in a client's name; none by default; each "
    "hears any line that a client sends");
DEFINE_string(relay_timeout, "5s", "=TIME with --relay_to: how long such a server may take to answer");

namespace polyserve {

namespace {

constexpr size_t kMaxTargets = 64;  // Ample; a list that is longer is a mistake.

absl::StatusOr<RelayTarget> ParseTarget(absl::string_view name) {
  const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(name);
  if (!endpoint.ok()) return absl::InvalidArgumentError(absl::StrCat("--relay_to: ", endpoint.status().message()));
  if (endpoint->port() == 0) {
    return absl::InvalidArgumentError(absl::StrCat("--relay_to: no server listens at port 0: ", name));
  }
  const AddressPort address = endpoint->AsAddressPort();
  if (!(Endpoint(address) == endpoint->AsV4())) {
    return absl::InvalidArgumentError(
        absl::StrCat("--relay_to: ", name, " is an address of one interface, with a scope; name another one"));
  }
  return RelayTarget{std::string(name), address};
}

bool IsLoopback(const Endpoint& endpoint) {
  const std::string host = endpoint.Host();
  return absl::StartsWith(host, "127.") || host == "::1";
}

}  // namespace

// Who connects to no address in particular connects to this machine (connect(2) of Linux).
bool Reaches(const Endpoint& target, const Endpoint& listener) {
  if (target.port() != listener.port() || target.family() != listener.family()) return false;
  if (target.is_wildcard()) return listener.is_wildcard() || IsLoopback(listener);
  return target == listener || (IsLoopback(target) && listener.is_wildcard());
}

absl::Status CheckNoTargetIs(const Endpoint& listener, const RelayTargets& targets) {
  for (const RelayTarget& target : targets.all) {
    if (!Reaches(Endpoint(target.address), listener)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--relay_to: ", target.name, " is this server itself; name another one"));
  }
  return absl::OkStatus();
}

// A program image, which serves one client, asks for the same names: the client may be one that relays.
absl::StatusOr<std::shared_ptr<const RelayTargets>> RelayTargetsFromFlags() {
  auto targets = std::make_shared<RelayTargets>();
  const absl::Status status =
      Take(ParseTimeoutFlag("relay_timeout", FLAGS_relay_timeout, "leave --relay_to out to ask no server"),
           targets->timeout);
  if (!status.ok()) return status;
  if (FLAGS_relay_to.empty() && IsFlagSet("relay_timeout")) {
    return absl::InvalidArgumentError("--relay_timeout goes with --relay_to=HOST:PORT; leave it out, or give both");
  }
  for (absl::string_view name : absl::StrSplit(FLAGS_relay_to, ',', absl::SkipWhitespace())) {
    absl::StatusOr<RelayTarget> target = ParseTarget(name);
    if (!target.ok()) return target.status();
    targets->all.push_back(*std::move(target));
  }
  if (targets->all.size() <= kMaxTargets) return targets;
  return absl::InvalidArgumentError(absl::StrCat("--relay_to names more than ", kMaxTargets, " servers"));
}

}  // namespace polyserve
