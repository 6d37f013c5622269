#include "programs/host.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/logging.h"
#include "net/fd_passing.h"

namespace polyserve {

namespace {

// Longer than the host waits for its programs, once no process serves any more.
constexpr absl::Duration kHostPatience = absl::Seconds(3);
// For requests that the host has not taken yet: those of a burst of clients. The kernel gives what net.core.wmem_max
// allows, which by default is enough for 500 at a time.
constexpr int kRequestBytes = 1 << 20;

// In the new process. A Ctrl-C, a hang-up, or a SIGTERM for all reaches the whole process group, but the server decides
// when the host stops, and when it ends.
int RunHost(int request_fd, const HostOptions& options) {
  ::prctl(PR_SET_NAME, "program host");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) ::signal(signal, SIG_IGN);
  absl::StatusOr<std::unique_ptr<HostLoop>> loop = HostLoop::Create(request_fd, options);
  absl::Status status = loop.status();
  if (status.ok()) status = SendParcel(request_fd, "ready", {});
  if (status.ok()) status = (*loop)->Run();
  if (!status.ok()) LOG(ERROR) << "the host of programs has failed: " << status.message();
  return status.ok() ? 0 : 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProgramHost>> ProgramHost::Start(const HostOptions& options,
                                                                const std::function<void()>& in_host) {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ends = MakeParcelSockets();
  if (!ends.ok()) return ends.status();
  const int server_end = ends->first.get();
  ::setsockopt(server_end, SOL_SOCKET, SO_SNDBUF, &kRequestBytes, sizeof(kRequestBytes));
  const Process::Entry entry = [&](std::vector<UniqueFd> descriptors, absl::string_view) {
    ::close(server_end);  // Else the host would keep itself alive.
    in_host();
    return RunHost(descriptors[0].get(), options);
  };
  absl::StatusOr<Process> process =
      Process::Start({.name = "the host of programs", .daemon = true}, entry, {ends->second.get()}, "");
  if (!process.ok()) return process.status();
  ends->second.reset();  // Else a host that has died would never answer.
  if (!ReceiveParcel(server_end).ok()) {
    process->Join(kHostPatience);
    return absl::UnavailableError("the host of programs cannot be started; the log says why");
  }
  return std::unique_ptr<ProgramHost>(new ProgramHost(*std::move(process), std::move(ends->first)));
}

// A host that does not end by itself, because it is stopped for example, is killed with the server (PR_SET_PDEATHSIG),
// and its programs with it.
ProgramHost::~ProgramHost() {
  request_fd_.reset();
  process_.Join(kHostPatience);
}

}  // namespace polyserve
