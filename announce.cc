#include "announce.h"

#include <errno.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "banner.h"
#include "base/line_output.h"
#include "base/logging.h"
#include "net/endpoint.h"
#include "services.h"

namespace polyserve {

namespace {

// Where the path leads, since "." tells a reader little; the path itself if that cannot be found out.
std::string AbsolutePath(absl::string_view path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::canonical(std::string(path), error);
  return error ? std::string(path) : absolute.string();
}

// The client is installed as the server is: as polyserve-client beside polyserve-server, or in bin/ of the source tree.
std::string ClientCommand() {
  return absl::StartsWith(program_invocation_short_name, "polyserve-") ? "polyserve-client" : "bin/client";
}

std::string PlainLines(const Banner& banner) {
  std::string lines;
  for (const Banner::Address& address : banner.addresses) {
    absl::StrAppend(&lines, "listening ", address.service->name, address.has_tls ? "+tls" : "",
                    address.has_datagrams ? " udp " : " tcp ", address.at, "\n");
  }
  absl::StrAppend(&lines, "ready model=", banner.model, " pid=", banner.pid, "\n");
  return lines;
}

}  // namespace

absl::Status AnnounceReady(const ServerContext& context, const Model& model, absl::string_view root,
                           const LineOutput& standard_output) {
  Banner banner{.model = model.name,
                .model_description = model.description,
                .root = AbsolutePath(root),
                .pid = ::getpid(),
                .addresses = {},
                .client = ClientCommand(),
                .has_console = ::isatty(STDIN_FILENO) == 1};
  for (const Listener& listener : context.listeners) {
    if (listener.is_sibling) continue;
    // Asked of the socket, not taken from --listen: for port 0 only the kernel knows the port (getsockname(2)), and the
    // scripts that wait for this line use port 0 so as not to collide.
    const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(listener.fd.get());
    if (!at.ok()) return at.status();
    banner.addresses.push_back(
        {FindService(listener.service), listener.has_datagrams(), at->ToString(), listener.has_tls});
  }
  // In one write: a script that reads the pipe line by line must never see `ready` without the addresses before it.
  // Lost lines are not counted, because standard output is no log.
  const bool is_for_person = ::isatty(STDOUT_FILENO) == 1;
  LogHealth health;
  if (!standard_output.Append(is_for_person ? RenderBanner(banner) : PlainLines(banner), health)) {
    LOG(WARNING) << "standard output accepts no data, so it does not say that the server is ready";
  }
  return absl::OkStatus();
}

}  // namespace polyserve
