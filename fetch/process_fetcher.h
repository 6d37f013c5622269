// ProcessFetcher: the way to the process that fetches files (fetch/fetch_process.h), for sessions, from whatever
// process of the server.
#ifndef POLYSERVE_FETCH_PROCESS_FETCHER_H_
#define POLYSERVE_FETCH_PROCESS_FETCHER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "protocol/file_fetch.h"

namespace polyserve {

class ProcessFetcher : public FileFetcher {
 public:
  // Sets the socket through which the process is asked; see FetchProcess::TakeRequestFd(). Before that, and when the
  // process has gone, nothing is fetched. Before there are other threads.
  void ReachBy(UniqueFd request_fd);
  int request_fd() const { return request_fd_.get(); }

  // Errors other than ResourceExhausted: the process has gone.
  absl::StatusOr<UniqueFd> Connect() const override;
  std::unique_ptr<PolledFetch> Begin(absl::string_view name) const override;
  // Says it at most once a second for each name, so that a stale file that is in demand costs no packet for each
  // client.
  void Refresh(absl::string_view name) const override;

 private:
  static constexpr size_t kRemembered = 256;

  bool IsSaidAlready(absl::string_view name) const;

  UniqueFd request_fd_;
  // Of what was said last: half a hash of the name, and the second. Names that share a place are said more often.
  mutable std::array<std::atomic<uint64_t>, kRemembered> said_ = {};
};

}  // namespace polyserve

#endif  // POLYSERVE_FETCH_PROCESS_FETCHER_H_
