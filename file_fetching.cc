#include "file_fetching.h"

#include "absl/status/statusor.h"
#include "base/logging.h"
#include "base/unique_fd.h"

namespace polyserve {

// The request_fd goes before the process is waited for, which ends when no process holds it any more.
FileFetching::~FileFetching() { fetcher_->ReachBy(UniqueFd()); }

absl::Status FileFetching::Open(const Library& library, ServerContext& context,
                                const std::function<void()>& in_process) {
  Library::Options writable = library.options();
  writable.read_only = false;
  absl::StatusOr<std::unique_ptr<FetchProcess>> process = FetchProcess::Start(
      {.library = library.With(writable), .origin = options_.origin, .max_copied_bytes = options_.max_copied_bytes},
      in_process);
  if (!process.ok()) return process.status();
  process_ = *std::move(process);
  // From here on every process that is forked inherits the way to it.
  fetcher_->ReachBy(process_->TakeRequestFd());
  context.child_observers.push_back(this);
  return absl::OkStatus();
}

// In an image the request_fd is -1, and the other half counts.
void FileFetching::AddInheritedFd(ServerContext& context) {
  context.inherited_fds.push_back(
      {fetcher_->request_fd(), [fetcher = fetcher_](UniqueFd request_fd) { fetcher->ReachBy(std::move(request_fd)); }});
}

// process_ is there: Open() registers this observer only once it has started.
bool FileFetching::OnChildEnd(pid_t pid, int wait_status) {
  if (!process_->process().NoteEnd(pid, wait_status)) return false;
  LOG(ERROR) << "the process that fetches files has ended: --upstream fetches none until the server is restarted";
  return true;
}

}  // namespace polyserve
