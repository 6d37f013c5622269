// FileFetching: owns what a server with --upstream needs to fetch files: the process that does it, and the way to it,
// under every model.
//
//   server:  FileFetching() ──▶ Open() ──▶ AddInheritedFd() ──▶ serving ──▶ the destructor
//   image:   FileFetching() ─────────────▶ AddInheritedFd() ──▶ serving
//
// In the main thread. Sessions use only what fetcher() returns, which any thread may do.
#ifndef POLYSERVE_FILE_FETCHING_H_
#define POLYSERVE_FILE_FETCHING_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "backends/accept/server_context.h"
#include "fetch/fetch_process.h"
#include "fetch/process_fetcher.h"
#include "files/library.h"
#include "net/child_observer.h"
#include "protocol/file_fetch.h"
#include "upstream_flags.h"

namespace polyserve {

class FileFetching : public ChildObserver {
 public:
  // Starts nothing. REQUIRES: options.origin is not null.
  explicit FileFetching(UpstreamOptions options) : options_(std::move(options)) {}
  // Destroy it when serving is over, and all processes that serve have ended: ends the process, and waits for it.
  ~FileFetching() override;

  // Never null. Before Open(), nothing is fetched.
  std::shared_ptr<const FileFetcher> fetcher() const { return fetcher_; }

  // Starts the process, and adds itself to the context's observers. It stores files in this library, which has copies,
  // even if its clients may not. Call it before the listeners exist, which the process would inherit. Fails if the
  // system has no process or descriptor left. `in_process` is called in it.
  absl::Status Open(const Library& library, ServerContext& context, const std::function<void()>& in_process);
  // Registers the descriptor by which a program image reaches the process. Call it in the server, after Open(), and in
  // the image, which does not call Open().
  void AddInheritedFd(ServerContext& context);

  // Called for each child that ends. Returns true if it was that process.
  bool OnChildEnd(pid_t pid, int wait_status) override;

 private:
  const UpstreamOptions options_;
  const std::shared_ptr<ProcessFetcher> fetcher_ = std::make_shared<ProcessFetcher>();
  std::unique_ptr<FetchProcess> process_;  // Null before Open().
};

}  // namespace polyserve

#endif  // POLYSERVE_FILE_FETCHING_H_
