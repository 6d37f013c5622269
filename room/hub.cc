#include "room/hub.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/string_view.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/fd_passing.h"
#include "room/hub_loop.h"
#include "room/hub_wire.h"
#include "room/local_room.h"
#include "room/operator.h"

namespace polyserve {

namespace {

// What the hub runs.
int RunHub(UniqueFd reception, const std::string& admin_name, int input) {
  ::prctl(PR_SET_NAME, "chat hub");
  // They reach the whole group, but the server decides when the hub ends.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) ::signal(signal, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  LocalRoom room(admin_name);
  absl::StatusOr<std::unique_ptr<HubLoop>> loop = HubLoop::Create(std::move(reception), room);
  absl::Status status = loop.status();
  if (status.ok()) {
    const auto say = [&room](absl::string_view text) { room.SayAsAdmin(text); };
    const absl::StatusOr<std::unique_ptr<Operator>> op = Operator::Start(input, say);
    status = op.ok() ? (*loop)->Run() : op.status();
  }
  if (!status.ok()) LOG(ERROR) << "the chat room's hub cannot go on: " << status.message();
  return status.ok() ? 0 : 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Hub>> Hub::Start(const std::string& admin_name, int input) {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ends = MakeParcelSockets();
  if (!ends.ok()) return ends.status();
  const timeval patience = absl::ToTimeval(kHubPatience);
  if (::setsockopt(ends->first.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0) {
    return SysError("setsockopt");
  }
  const int server_end = ends->first.get();
  const Process::Entry entry = [server_end, &admin_name, input](std::vector<UniqueFd> descriptors, absl::string_view) {
    ::close(server_end);  // Else it would keep itself alive.
    return RunHub(std::move(descriptors[0]), admin_name, input);
  };
  absl::StatusOr<Process> process = Process::Start({.name = "the chat room's hub"}, entry, {ends->second.get()}, "");
  if (!process.ok()) return process.status();
  return std::unique_ptr<Hub>(new Hub(*std::move(process), std::move(ends->first)));
}

Hub::~Hub() {
  reception_.reset();
  process_.Join(kHubPatience);
}

}  // namespace polyserve
