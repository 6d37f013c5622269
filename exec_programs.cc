#include "exec_programs.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "net/process.h"

namespace polyserve {

// A look at the start only: the file may be replaced while the server runs, as that of any command.
absl::StatusOr<std::unique_ptr<ExecPrograms>> ExecPrograms::Create(HostOptions options) {
  for (const std::vector<std::string>& words : options.commands) {
    if (Process::IsImage() || ::access(words[0].c_str(), X_OK) == 0) continue;
    const absl::Status status = SysError("exec", words[0]);
    return absl::Status(status.code(), absl::StrCat("--listen: ", status.message()));
  }
  return std::unique_ptr<ExecPrograms>(new ExecPrograms(std::move(options)));
}

// The request_fd goes before the host is waited for, which ends when no process holds it any more.
ExecPrograms::~ExecPrograms() { programs_->ReachBy(UniqueFd()); }

absl::Status ExecPrograms::Open(ServerContext& context, const std::function<void()>& in_host) {
  absl::StatusOr<std::unique_ptr<ProgramHost>> host = ProgramHost::Start(options_, in_host);
  if (!host.ok()) return host.status();
  host_ = *std::move(host);
  // From here on every process that is forked inherits the way to the host.
  programs_->ReachBy(host_->TakeRequestFd());
  context.child_observers.push_back(this);
  return absl::OkStatus();
}

// In an image the request_fd is -1, and the other half counts.
void ExecPrograms::AddInheritedFd(ServerContext& context) {
  context.inherited_fds.push_back({programs_->request_fd(), [programs = programs_](UniqueFd request_fd) {
                                     programs->ReachBy(std::move(request_fd));
                                   }});
}

// host_ is there: Open() registers this observer only once the host has started.
bool ExecPrograms::OnChildEnd(pid_t pid, int wait_status) {
  if (!host_->process().NoteEnd(pid, wait_status)) return false;
  LOG(ERROR) << "the host of programs has ended: exec serves nobody until the server is restarted";
  return true;
}

}  // namespace polyserve
