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

// What is behind the name of a service that runs a program: ":/usr/bin/tr a-z A-Z". No PATH is searched, since the
// server's may not be what its operator has in mind.
absl::StatusOr<std::vector<std::string>> ParseProgram(absl::string_view text) {
  const bool has_program = absl::ConsumePrefix(&text, ":");
  std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  if (has_program && !words.empty() && words[0][0] == '/') return words;
  return absl::InvalidArgumentError(
      "--listen: exec wants the path of a program: exec:/usr/bin/rev://127.0.0.1:7000, and arguments behind blanks");
}

// One address of the list. All its errors name the flag, since the user sees them as they are.
absl::StatusOr<ListenSpec> ParseListenSpec(absl::string_view text, HostLookup lookup) {
  // The last one: an argument of a program may be a URL.
  const size_t border = text.rfind("://");
  if (border == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen: '", text, "' is not SERVICE://HOST:PORT, for example file://127.0.0.1:8888"));
  }
  const absl::string_view what = text.substr(0, border);
  const absl::string_view where = text.substr(border + 3);
  // No name of a service contains a colon or a plus sign (see Service::name), so what follows cannot be a part of one.
  absl::string_view name = what.substr(0, what.find(':'));
  const absl::string_view behind_name = what.substr(name.size());
  const bool has_tls = absl::ConsumeSuffix(&name, "+tls");
  const bool is_udp = !has_tls && absl::ConsumeSuffix(&name, "+udp");
  const Transport transport = is_udp ? Transport::kDatagrams : Transport::kStream;
  const Service* service = FindService(name);
  // One error for both mistakes, an unknown service and a transport that it does not have: the list of what there is
  // answers both.
  const bool is_there =
      service != nullptr && (transport == Transport::kStream ? service->has_stream() : service->has_datagrams());
  if (!is_there || (!service->runs_programs && !behind_name.empty())) {
    return absl::InvalidArgumentError(absl::StrCat("--listen: there is no service '", what, "'; there are ",
                                                   ServiceNames(), ", and +tls behind those of TCP"));
  }
  ListenSpec spec{service, transport, has_tls, Endpoint(), {}, IsLoopback(where)};
  if (service->runs_programs) {
    absl::StatusOr<std::vector<std::string>> program = ParseProgram(behind_name);
    if (!program.ok()) return program.status();
    spec.program = *std::move(program);
  }
  // Everything up to here depends on the text alone, so an image finds the same faults, or none, as its server did.
  if (lookup == HostLookup::kNo) return spec;
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(where);
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
    if (service.runs_programs) continue;
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
