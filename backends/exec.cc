// exec: a program for each client, started with the connection as its standard input and output; as inetd does.
//
//   server:   accept ─▶ posix_spawn: 0 and 1 are the connection ─▶ close its copy ─▶ accept ─▶ ...
//   program:               exec ─▶ load, parse flags ─▶ [ read ─▶ session ─▶ write ]* ─▶ exit
//
// The program is `server --inetd`, with the flags of this server; inetd(8) could start the same one. It needs to know
// nothing of its parent: what it serves is descriptor 0. That is the difference from multiprocess
// --start_method=spawn, in which parent and child are halves of one program, and the parent says in the environment
// which descriptor is the client. Here the environment has only what is shared beyond the client: the statistics, the
// chat room, the keys of TLS.
//
// Cost: for each client, all that a program does until it can serve: some milliseconds. Weak spot: short connections.
// In return nothing of one client can reach another one, except through those descriptors.
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/connection_passing.h"
#include "backends/accept/server_context.h"
#include "backends/backend.h"
#include "backends/client_processes.h"
#include "backends/registry.h"
#include "net/process.h"

namespace polyserve {

namespace {

class ExecBackend : public Backend {
 public:
  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kAll});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    return Process::Check(Process::StartMethod::kSpawn);
  }

  // Not called in the program: ServeGivenClient() (client_processes.h) serves the client there.
  absl::Status Serve(ServerContext& context) override {
    if (Process::IsImage()) return absl::InternalError("the program was started with --noinetd");
    const Process::Options program = {
        .name = "program", .start_method = Process::StartMethod::kSpawn, .standard_io = true, .arguments = {"--inetd"}};
    programs_.Watch(context);
    while (true) {
      absl::StatusOr<Connection> client = acceptor_->Next();
      if (!client.ok()) break;  // Told to stop.
      const ProcessArguments handed = PackClient(*client, context);
      absl::StatusOr<Process> started = Process::Start(program, nullptr, handed.descriptors, handed.argument);
      if (started.ok()) {
        programs_.Add(*std::move(started));
      } else {
        acceptor_->Refuse(*std::move(client), started.status());
      }
    }
    programs_.StopAll(*acceptor_);
    return absl::OkStatus();
  }

 private:
  ClientProcesses programs_;
  std::unique_ptr<Acceptor> acceptor_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeExecBackend() { return std::make_unique<ExecBackend>(); }

const RegisterModel kRow({.name = "exec",
                          .description = "a program for each client, as inetd starts them",
                          .lesson = 35,
                          .can = {.computes_apart = true,
                                  .survives_crash = true,
                                  .shares_memory = false,
                                  .serves_elsewhere = true,
                                  .starts_images = true,
                                  .starts_programs = true},
                          .make = &MakeExecBackend});

}  // namespace

}  // namespace polyserve
