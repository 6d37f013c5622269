#include "listen_spec.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyserve {

namespace {

// Looks at the text alone, since a program image has resolved no names, and has to reach the same answer as its server.
// A host name that begins with "127." is taken for loopback, too. That errs on the strict side: http then wants
// --allowed_hosts for names, and no page can reach what it should not.
bool IsLoopback(absl::string_view host_and_port) {
  return absl::StartsWith(host_and_port, "localhost:") || absl::StartsWith(host_and_port, "127.") ||
         absl::StartsWith(host_and_port, "[::1]:") || absl::StartsWith(host_and_port, "[::ffff:127.");
}

// One address of the list. All its errors name the flag, since the user sees them as they are.
absl::StatusOr<ListenSpec> ParseListenSpec(absl::string_view text, HostLookup lookup) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits("://", 1));
  if (parts.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen: '", text, "' is not SERVICE://HOST:PORT, for example file://127.0.0.1:8888"));
  }
  // No name of a service contains a plus sign (see Service::name), so the suffix cannot be a part of one.
  absl::string_view name = parts[0];
  const bool has_tls = absl::ConsumeSuffix(&name, "+tls");
  const bool is_udp = !has_tls && absl::ConsumeSuffix(&name, "+udp");
  const Transport transport = is_udp ? Transport::kDatagrams : Transport::kStream;
  const Service* service = FindService(name);
  // One error for both mistakes, an unknown service and a transport that it does not have: the list of what there is
  // answers both.
  const bool is_there =
      service != nullptr && (transport == Transport::kStream ? service->has_stream() : service->has_datagrams());
  if (!is_there) {
    return absl::InvalidArgumentError(absl::StrCat("--listen: there is no service '", parts[0], "'; there are ",
                                                   ServiceNames(), ", and +tls behind those of TCP"));
  }
  ListenSpec spec{service, transport, has_tls, Endpoint(), IsLoopback(parts[1])};
  // Everything up to here depends on the text alone, so an image finds the same faults, or none, as its server did.
  if (lookup == HostLookup::kNo) return spec;
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(parts[1]);
  if (!endpoint.ok()) return absl::InvalidArgumentError(absl::StrCat("--listen: ", endpoint.status().message()));
  spec.endpoint = *endpoint;
  return spec;
}

// What an empty --listen stands for: each service at its own port, over TCP if it has both transports. As texts, so
// that they take the same way as those of a user. Loopback, because a server that was started to be tried must not be
// open to the network.
std::vector<std::string> Defaults() {
  std::vector<std::string> texts;
  for (const Service& service : AllServices()) {
    const absl::string_view suffix = service.has_stream() ? "" : "+udp";
    texts.push_back(absl::StrCat(service.name, suffix, "://127.0.0.1:", service.default_port));
  }
  return texts;
}

}  // namespace

absl::StatusOr<std::vector<ListenSpec>> ParseListenSpecs(absl::string_view list, HostLookup lookup) {
  // Empty entries are skipped, so that a script may end each address with a comma.
  std::vector<std::string> texts = absl::StrSplit(list, ',', absl::SkipWhitespace());
  if (texts.empty()) texts = Defaults();
  std::vector<ListenSpec> specs;
  for (const std::string& text : texts) {
    absl::StatusOr<ListenSpec> spec = ParseListenSpec(text, lookup);
    if (!spec.ok()) return spec.status();
    specs.push_back(*spec);
  }
  return specs;
}

}  // namespace polyserve
