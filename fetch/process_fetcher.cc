#include "fetch/process_fetcher.h"

#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/sys_error.h"
#include "fetch/fetch_loop.h"
#include "net/fd_passing.h"

namespace polyserve {

namespace {

constexpr char kGone[] = "this server fetches no files at the moment";

// Ends the stream when it is destroyed, by which the process forgets it.
class StreamFetch final : public PolledFetch {
 public:
  // The fetcher must outlive it.
  StreamFetch(const FileFetcher& fetcher, absl::string_view name)
      : fetcher_(fetcher), line_(absl::StrCat(name, "\n")), stream_(Connect()) {}

  // In a burst of clients the process has not looked at all of them yet: the others try again with each look.
  std::optional<FetchAnswer> Poll() override {
    if (absl::IsResourceExhausted(stream_.status()) && ++tries_ < kMaxTries) {
      stream_ = Connect();
      return std::nullopt;
    }
    if (absl::IsResourceExhausted(stream_.status())) {
      return FetchAnswer{503, "this server cannot fetch the file now; try again"};
    }
    if (!stream_.ok()) return FetchAnswer{502, kGone};
    char line[FetchAnswer::kMaxLineBytes + 1];
    const ssize_t count = ::recv(stream_->get(), line, sizeof(line), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
    const absl::string_view text(line, static_cast<size_t>(std::max<ssize_t>(count, 0)));
    const std::optional<FetchAnswer> answer = FetchAnswer::Parse(absl::StripSuffix(text, "\n"));
    return answer.has_value() ? answer : FetchAnswer{502, kGone};
  }

 private:
  // Two seconds, as tftp looks.
  static constexpr int kMaxTries = 20;

  // The socket is new, so it takes the line at once.
  absl::StatusOr<UniqueFd> Connect() const {
    absl::StatusOr<UniqueFd> stream = fetcher_.Connect();
    if (stream.ok()) static_cast<void>(::send(stream->get(), line_.data(), line_.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    return stream;
  }

  const FileFetcher& fetcher_;
  const std::string line_;
  absl::StatusOr<UniqueFd> stream_;
  int tries_ = 0;
};

}  // namespace

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

std::unique_ptr<PolledFetch> ProcessFetcher::Begin(absl::string_view name) const {
  return std::make_unique<StreamFetch>(*this, name);
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
