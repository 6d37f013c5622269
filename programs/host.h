// ProgramHost: the process that runs the programs of a server, under every model. It is their parent, so it is the one
// place that counts them, waits for them, and ends them; no process that serves clients has children for this.
//
//   worker:  session ─ HostedProgram ═════ socket ═════▶ program, whose standard input and output it is
//   worker:  session ─ HostedProgram ═════ socket ═════▶ program ─ standard error ─▶ host ─▶ the server's log
//   server:  request_fd ── sockets for new ones ───────▶ host: fork, exec, wait, SIGTERM, SIGKILL
//
// A process that serves creates a socket pair and sends one end, with the number of the program, through the
// request_fd, a socket that all processes of the server have open (SCM_RIGHTS). Which programs there are, the host
// knows from its start: nobody can have it run another one. It keeps a copy of the program's end, and so learns that
// the other end was closed, because the client has left or its process was killed, without reading anything. If both
// directions have ended, each by itself, the other end may be open: then the program has time to end by itself.
//
// The host ends when no process holds the request_fd any more, or with the server. If it is killed, its programs are
// killed with it, and there are none until the server is restarted.
#ifndef POLYSERVE_PROGRAMS_HOST_H_
#define POLYSERVE_PROGRAMS_HOST_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "net/process.h"
#include "programs/host_loop.h"

namespace polyserve {

class ProgramHost {
 public:
  // Starts it; before there are listeners or clients that it would inherit, and threads. `in_host` is called in the new
  // process. Returns when it runs, or has failed.
  static absl::StatusOr<std::unique_ptr<ProgramHost>> Start(
      const HostOptions& options, const std::function<void()>& in_host = [] {});

  // Destroy it after all processes that hold the request_fd have ended: the host then ends the programs that are left,
  // and itself, and is waited for, for a bounded time.
  ~ProgramHost();

  // For HostedPrograms::ReachBy(). Passes ownership, so that processes forked from here on inherit it.
  UniqueFd TakeRequestFd() { return std::move(request_fd_); }
  // So that code that reaps children recognises it.
  Process& process() { return process_; }

 private:
  ProgramHost(Process process, UniqueFd request_fd)
      : process_(std::move(process)), request_fd_(std::move(request_fd)) {}

  Process process_;
  UniqueFd request_fd_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROGRAMS_HOST_H_
