// ExecPrograms: owns the programs that a server runs for its clients (exec): their host, a process of its own, and the
// way to it, under every model.
//
//   server:  Create() ──▶ Open() ──▶ AddInheritedFd() ──▶ serving, TellStop() ──▶ the destructor
//   image:   Create() ─────────────▶ AddInheritedFd() ──▶ serving
//
// In the main thread, but for TellStop(). Sessions use only what programs() returns, which any thread may do.
#ifndef POLYSERVE_EXEC_PROGRAMS_H_
#define POLYSERVE_EXEC_PROGRAMS_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/server_context.h"
#include "net/child_observer.h"
#include "programs/host.h"
#include "programs/host_loop.h"
#include "programs/hosted_programs.h"
#include "programs/program.h"

namespace polyserve {

class ExecPrograms : public ChildObserver {
 public:
  // Starts nothing. Returns NotFound or PermissionDenied, with a text for the user, if one of the programs is not
  // there, or cannot be run; a program image, whose server has looked, does not look.
  static absl::StatusOr<std::unique_ptr<ExecPrograms>> Create(HostOptions options);
  // Destroy it when serving is over, and all processes that serve have ended: ends the host, and waits for it.
  ~ExecPrograms() override;

  // Never null. Before Open(), none can be started.
  std::shared_ptr<Programs> programs() const { return programs_; }

  // Starts the host, and adds itself to the context's observers. Call it before the listeners exist, which the host
  // would inherit. Fails if the system has no process or descriptor left. `in_host` is called in the host.
  absl::Status Open(ServerContext& context, const std::function<void()>& in_host);
  // Registers the descriptor by which a program image reaches the host. Call it in the server, after Open(), and in the
  // image, which does not call Open().
  void AddInheritedFd(ServerContext& context);
  // The server stops: the host ends programs that go on. Any thread; may be called again.
  void TellStop() const { programs_->TellStop(); }

  // Called for each child that ends. Returns true if it was the host.
  bool OnChildEnd(pid_t pid, int wait_status) override;

 private:
  explicit ExecPrograms(HostOptions options)
      : options_(std::move(options)), programs_(std::make_shared<HostedPrograms>()) {}

  const HostOptions options_;
  const std::shared_ptr<HostedPrograms> programs_;
  std::unique_ptr<ProgramHost> host_;
};

}  // namespace polyserve

#endif  // POLYSERVE_EXEC_PROGRAMS_H_
