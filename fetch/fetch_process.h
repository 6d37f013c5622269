// FetchProcess: the process of a server that fetches files from another one (--upstream), under every model. It is the
// one place where it is known what is being fetched, so that a thousand clients of one file, in whatever threads and
// processes they are served, cause one fetch.
//
//   worker:  session ─ Output::Ask() ═════ stream ═════╗
//   worker:  session ─ Output::Ask() ═════ stream ═════╬▶ fetcher ─ GET ─▶ the other server
//   server:  request_fd ── streams of new askers ──────╝     └─ Upload ─▶ the library
//
// An asker creates a pair of sockets and sends one end through the request_fd, which all processes of the server have
// open (SCM_RIGHTS); the name of the file goes over the stream. The fetcher ends when no process holds the request_fd
// any more, or with the server. If it is killed, the server goes on with what it has, and clients of other files hear
// that it fetches none, until it is restarted.
#ifndef POLYSERVE_FETCH_FETCH_PROCESS_H_
#define POLYSERVE_FETCH_FETCH_PROCESS_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "fetch/fetch_loop.h"
#include "net/process.h"

namespace polyserve {

class FetchProcess {
 public:
  // Starts it; before there are listeners or clients that it would inherit, and threads. `in_process` is called in the
  // new process. Returns when it runs, or has failed.
  static absl::StatusOr<std::unique_ptr<FetchProcess>> Start(
      const FetchOptions& options, const std::function<void()>& in_process = [] {});

  // Destroy it after all processes that hold the request_fd have ended: the fetcher then ends, and is waited for, for a
  // bounded time. What it has half of is gone with it.
  ~FetchProcess();

  // For ProcessFetcher::ReachBy(). Passes ownership, so that processes forked from here on inherit it.
  UniqueFd TakeRequestFd() { return std::move(request_fd_); }
  // So that code that reaps children recognises it.
  Process& process() { return process_; }

 private:
  FetchProcess(Process process, UniqueFd request_fd)
      : process_(std::move(process)), request_fd_(std::move(request_fd)) {}

  Process process_;
  UniqueFd request_fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_FETCH_FETCH_PROCESS_H_
