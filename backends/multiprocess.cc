// multiprocess: a Process object for each client; after Python's multiprocessing.
// Cost and weak spot: those of fork. Children end with the server, even if it is killed. --start_method makes one by:
//   fork        a copy of the server, cheap to make, with all that the server had open and in memory.
//   spawn       a fresh image of the program: nothing gets into it but the connection that it is handed. Slow.
//   forkserver  a copy of a fresh image that was started once: as clean, and about as cheap as fork.
#include <gflags/gflags.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/connection_passing.h"
#include "backends/backend.h"
#include "backends/client_processes.h"
#include "backends/registry.h"
#include "base/unique_fd.h"
#include "net/process.h"

DEFINE_string(start_method, "fork", "=fork|spawn|forkserver multiprocess: how a child is made");

namespace polyserve {

namespace {

using StartMethod = Process::StartMethod;

class MultiprocessBackend : public Backend {
 public:
  explicit MultiprocessBackend(StartMethod start_method) : start_method_(start_method) {}

  absl::Status Prepare(ServerContext& context) override {
    if (context.connection_limit != nullptr && start_method_ == StartMethod::kForkServer) {
      return absl::InvalidArgumentError(
          "--max_connections goes with --start_method=fork or spawn: nobody is told of the children of a fork server "
          "that was killed, and their places would be lost");
    }
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kAll});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    if (absl::Status status = Process::Check(start_method_); !status.ok()) return status;
    return start_method_ == StartMethod::kForkServer ? Process::StartForkServer() : absl::OkStatus();
  }

  absl::Status Serve(ServerContext& context) override {
    const Process::Entry entry = [this, &context](std::vector<UniqueFd> descriptors, absl::string_view argument) {
      if (acceptor_ != nullptr) acceptor_->CloseInChild();  // An image has none.
      return ServeInNewProcess(std::move(descriptors), argument, context);
    };
    if (Process::IsImage()) {  // Started afresh for one client; it has no listener of its own.
      return Process::RunImage(entry) == 0 ? absl::OkStatus() : absl::InternalError("the child could not serve");
    }
    children_.Watch(context);
    while (true) {
      absl::StatusOr<Connection> client = acceptor_->Next();
      if (!client.ok()) break;  // Told to stop.
      const ProcessArguments handed = PackClient(*client, context);
      absl::StatusOr<Process> child =
          Process::Start({.name = "child", .start_method = start_method_}, entry, handed.descriptors, handed.argument);
      if (!child.ok()) {
        acceptor_->Refuse(*std::move(client), child.status());
        continue;
      }
      children_.Add(*std::move(child));  // In time: this thread reaps, later, within Next().
    }
    children_.StopAll(*acceptor_);
    Process::StopForkServer();  // Last: its children would die with it.
    return absl::OkStatus();
  }

 private:
  const StartMethod start_method_;
  ClientProcesses children_;
  std::unique_ptr<Acceptor> acceptor_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeMultiprocessBackend() {
  if (FLAGS_start_method == "fork") return std::make_unique<MultiprocessBackend>(StartMethod::kFork);
  if (FLAGS_start_method == "spawn") return std::make_unique<MultiprocessBackend>(StartMethod::kSpawn);
  if (FLAGS_start_method == "forkserver") return std::make_unique<MultiprocessBackend>(StartMethod::kForkServer);
  return absl::InvalidArgumentError(
      absl::StrCat("--start_method=", FLAGS_start_method, " is not one of fork, spawn, forkserver"));
}

void AdjustTraits(Traits& can) {
  can.bounds_connections = FLAGS_start_method != "forkserver";  // Its children are another process's to reap.
  can.starts_images = FLAGS_start_method == "spawn";
  can.starts_programs = FLAGS_start_method != "fork";
}

const RegisterModel kRow(
    {.name = "multiprocess",
     .description = "a Process object for each client",
     .lesson = 30,
     .can = {.computes_apart = true, .survives_crash = true, .shares_memory = false, .serves_elsewhere = true},
     .flags = "start_method",
     .adjust = &AdjustTraits,
     .make = &MakeMultiprocessBackend});

}  // namespace

}  // namespace polyserve
