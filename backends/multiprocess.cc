// multiprocess: a Process object for each client; after Python's multiprocessing.
// Cost and weak spot: those of fork. Children end with the server, even if it is killed. --start_method makes one by:
//   fork        a copy of the server, cheap to make, with all that the server had open and in memory.
//   spawn       a fresh image of the program: nothing gets into it but the connection that it is handed. Slow.
//   forkserver  a copy of a fresh image that was started once: as clean, and about as cheap as fork.
#include <gflags/gflags.h>
#include <poll.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "backends/accept/acceptor.h"
#include "backends/accept/connection_passing.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/registry.h"
#include "net/child_observer.h"
#include "net/process.h"
#include "net/signals.h"

DEFINE_string(start_method, "fork", "=fork|spawn|forkserver multiprocess: how a child is made");

namespace polyserve {

namespace {

using StartMethod = Process::StartMethod;

int ServeOne(std::vector<UniqueFd> descriptors, absl::string_view argument, ServerContext& context) {
  Signals::InstallInWorker();  // First of all: signals have been held back until here.
  absl::StatusOr<Connection> client = UnpackClient(std::move(descriptors), argument, context);
  if (!client.ok()) return 1;
  context.statistics = context.statistics.OfNewcomer(::getpid());
  const WorkerSlot slot(context.statistics);
  DriveBlocking(*std::move(client), context);
  return 0;
}

class MultiprocessBackend : public Backend, public ChildObserver {
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
      return ServeOne(std::move(descriptors), argument, context);
    };
    if (Process::IsImage()) {  // Started afresh for one client; it has no listener of its own.
      return Process::RunImage(entry) == 0 ? absl::OkStatus() : absl::InternalError("the child could not serve");
    }
    context_ = &context;
    context.child_observers.push_back(this);  // Before there is a child whose end it could miss.
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
      const pid_t pid = child->pid();
      children_.emplace(pid, *std::move(child));  // In time: this thread reaps, later, within Next().
    }
    StopAll();
    Process::StopForkServer();  // Last: its children would die with it.
    return absl::OkStatus();
  }

 private:
  bool OnChildEnd(pid_t pid, int wait_status) override {
    const auto child = children_.find(pid);
    if (child == children_.end()) return Process::NoteForkServerEnd(pid, wait_status);
    child->second.NoteEnd(pid, wait_status);
    children_.erase(child);
    CountLostClients(static_cast<int64_t>(children_.size()), *context_);
    return true;
  }

  // The fork server reaps its own children; their pidfds tell which of them have ended, all with one poll(2).
  void OnChildSignal() override {
    if (start_method_ != StartMethod::kForkServer) return;
    std::vector<pollfd> ends;
    for (const auto& [pid, child] : children_) ends.push_back({child.pidfd(), POLLIN, 0});
    if (::poll(ends.data(), ends.size(), 0) <= 0) return;  // None of these has ended.
    auto end = ends.begin();
    std::erase_if(children_, [&end](const auto&) { return (end++)->revents != 0; });
    CountLostClients(static_cast<int64_t>(children_.size()), *context_);
  }

  void StopAll() {
    while (!children_.empty()) {
      for (const auto& [pid, child] : children_) child.Terminate();  // One about to block misses it.
      acceptor_->Wait({.clients = false, .at_most = absl::Milliseconds(Signals::kMillisecondsBetweenInterrupts)});
      OnChildSignal();  // Also if the fork server was killed, and sends no signal any more.
    }
  }

  const StartMethod start_method_;
  ServerContext* context_ = nullptr;  // While it serves.
  std::unordered_map<pid_t, Process> children_;
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
