#include "fetch/fetch_process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/logging.h"
#include "net/fd_passing.h"

namespace polyserve {

namespace {

// It ends at once when it is told to, unless the disk keeps it.
constexpr absl::Duration kEndPatience = absl::Seconds(3);
// For the kernel's queue of askers that it has not looked at yet: those of a burst of clients.
constexpr int kRequestBytes = 1 << 20;

// In the new process. What is sent to the whole process group, such as a Ctrl-C, is for the server, which decides when
// this one ends.
int RunLoop(int request_fd, const FetchOptions& options) {
  ::prctl(PR_SET_NAME, "fetcher");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) ::signal(signal, SIG_IGN);
  absl::StatusOr<std::unique_ptr<FetchLoop>> loop = FetchLoop::Create(request_fd, options);
  absl::Status status = loop.status();
  if (status.ok()) status = SendParcel(request_fd, "ready", {});
  if (status.ok()) status = (*loop)->Run();
  if (!status.ok()) LOG(ERROR) << "the process that fetches files has failed: " << status.message();
  return status.ok() ? 0 : 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FetchProcess>> FetchProcess::Start(const FetchOptions& options,
                                                                  const std::function<void()>& in_process) {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ends = MakeParcelSockets();
  if (!ends.ok()) return ends.status();
  const int server_end = ends->first.get();
  ::setsockopt(server_end, SOL_SOCKET, SO_SNDBUF, &kRequestBytes, sizeof(kRequestBytes));
  const Process::Entry entry = [&](std::vector<UniqueFd> descriptors, absl::string_view) {
    ::close(server_end);  // Else it would keep itself alive.
    in_process();
    return RunLoop(descriptors[0].get(), options);
  };
  absl::StatusOr<Process> process =
      Process::Start({.name = "the process that fetches files", .daemon = true}, entry, {ends->second.get()}, "");
  if (!process.ok()) return process.status();
  ends->second.reset();  // Else one that has died would never answer.
  if (!ReceiveParcel(server_end).ok()) {
    process->Join(kEndPatience);
    return absl::UnavailableError("the process that fetches files cannot be started; the log says why");
  }
  return std::unique_ptr<FetchProcess>(new FetchProcess(*std::move(process), std::move(ends->first)));
}

// One that does not end by itself, because it is stopped for example, is killed with the server (PR_SET_PDEATHSIG).
FetchProcess::~FetchProcess() {
  request_fd_.reset();
  process_.Join(kEndPatience);
}

}  // namespace polyserve
