#include "fetch/process_fetcher.h"

#include <sys/socket.h>
#include <time.h>

#include <utility>

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "fetch/fetch_loop.h"
#include "net/fd_passing.h"

namespace polyserve {

void ProcessFetcher::ReachBy(UniqueFd request_fd) {
  if (request_fd_.get() == request_fd.get()) request_fd_.release();  // A forked child is handed what it has already.
  request_fd_ = std::move(request_fd);
}

// That the socket is full passes as soon as the process looks at it.
absl::StatusOr<UniqueFd> ProcessFetcher::Connect() const {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return SysError("socketpair");
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const absl::Status sent = SendParcelAtOnce(request_fd_.get(), kAskParcel, {theirs.get()});
  if (absl::IsUnavailable(sent)) return absl::ResourceExhaustedError(sent.message());
  if (!sent.ok()) return sent;
  return ours;
}

// A name that does not fit is of a file that stays stale until somebody asks for it with validation.
void ProcessFetcher::Refresh(absl::string_view name) const {
  if (name.size() + kRefreshParcel.size() > kMaxPassedText || IsSaidAlready(name)) return;
  SendParcelAtOnce(request_fd_.get(), absl::StrCat(kRefreshParcel, name), {}).IgnoreError();
}

bool ProcessFetcher::IsSaidAlready(absl::string_view name) const {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  const uint64_t hash = absl::Hash<absl::string_view>()(name);
  const uint64_t mark = (hash & ~uint64_t{UINT32_MAX}) | static_cast<uint32_t>(now.tv_sec);
  return said_[hash % kRemembered].exchange(mark, std::memory_order_relaxed) == mark;
}

}  // namespace polyserve
