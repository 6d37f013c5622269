// fork: a process for each client, forked when the client comes.
// Cost: a fork, and a copy of all memory that is written to. Weak spot: many short connections, very many clients.
// A child that has ended stays a zombie until its parent asks for its status. There are three ways out (--reap):
//   ignore       SIGCHLD is ignored, and the kernel keeps no status. How a child ended remains unknown.
//   wait         the parent calls waitpid(2) whenever SIGCHLD arrives.
//   double_fork  the child forks a grandchild, which serves, and exits; init reaps the orphan. Costs a second fork.
#include <gflags/gflags.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <unordered_set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/accept/acceptor.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/registry.h"
#include "base/logging.h"
#include "net/child_observer.h"
#include "net/lifeline.h"
#include "net/process.h"
#include "net/signals.h"

DEFINE_string(reap, "wait", "=ignore|wait|double_fork fork: how ended children are kept from being zombies");

namespace polyserve {

namespace {

enum class Reap { kIgnore, kWait, kDoubleFork };

class ForkBackend : public Backend, public ChildObserver {
 public:
  explicit ForkBackend(Reap reap) : reap_(reap) {}

  absl::Status Prepare(ServerContext& context) override {
    if (context.connection_limit != nullptr && reap_ != Reap::kWait) {
      return absl::InvalidArgumentError(
          "--max_connections goes with --reap=wait: otherwise nobody learns of a child that was killed, and its place "
          "would be lost");
    }
    absl::StatusOr<Lifeline> lifeline = Lifeline::Create();
    if (!lifeline.ok()) return lifeline.status();
    lifeline_ = *std::move(lifeline);
    absl::StatusOr<std::unique_ptr<Acceptor>> acceptor = Acceptor::Create(context, {.udp = AcceptUdp::kAll});
    if (!acceptor.ok()) return acceptor.status();
    acceptor_ = *std::move(acceptor);
    // A fork on trial: a limit on processes (RLIMIT_NPROC), or no /proc, has to show before the server is ready.
    return TryInChild([this] { return lifeline_.TryHold(kin()); });
  }

  absl::Status Serve(ServerContext& context) override {
    // Ignoring SIGCHLD is the default, but the default leaves zombies; only an explicit SIG_IGN does not (wait(2)).
    if (reap_ == Reap::kIgnore) ::signal(SIGCHLD, SIG_IGN);
    context_ = &context;
    context.child_observers.push_back(this);
    while (true) {
      absl::StatusOr<Connection> client = acceptor_->Next();
      if (!client.ok()) break;  // Told to stop.
      const absl::StatusOr<pid_t> pid = Fork();
      if (!pid.ok()) {
        acceptor_->Refuse(*std::move(client), pid.status());
        continue;
      }
      if (*pid == 0) RunChild(*std::move(client), context);  // Does not return.
      // The child may have ended already, but this thread reaps it later, within Next(), and so finds the entry.
      if (reap_ == Reap::kWait) children_.insert(*pid);
      // A short wait: the middle process exits at once. If a signal ends the wait, ReapChildren() collects it later.
      if (reap_ == Reap::kDoubleFork) ::waitpid(*pid, nullptr, 0);
      // The parent's copy of the connection closes here; the child has its own.
    }
    // Not kill(2): the lifeline also reaches grandchildren, whose pids the parent never learns (net/lifeline.h).
    // Repeated, since a child that is just about to enter recv(2) does not notice the signal.
    do {
      lifeline_.TellStop();
      AnswerCommonSignals(Signals::Take(), context);
    } while (!lifeline_.AwaitAllGone(absl::Milliseconds(Signals::kMillisecondsBetweenInterrupts)));
    ReapChildren(context.child_observers);
    return absl::OkStatus();
  }

 private:
  // In the child: serves its client and exits. It never returns to the loop of Serve(), which is the parent's.
  [[noreturn]] void RunChild(Connection client, ServerContext& context) {
    if (reap_ == Reap::kDoubleFork) {
      const absl::StatusOr<pid_t> pid = Fork();
      if (!pid.ok()) LOG_FLOOD(WARNING) << "a client is lost: " << pid.status().message();
      if (!pid.ok() || *pid > 0) ExitChild(0);  // The middle one: its end leaves the grandchild to init.
    }
    // First of all: signals have been blocked since the fork, because the server's handlers must not run here.
    Signals::InstallInWorker();
    lifeline_.HoldInDescendant(kin());
    context.statistics = context.statistics.OfNewcomer(::getpid());
    acceptor_->CloseInChild();  // Or the child would hold the port after the server has ended.
    // In a block, because ExitChild() ends the process without destroying locals (_exit(2)).
    {
      // If no parent waits for it, the slot's lock tells that a killed child had a client (net/worker_slots.h).
      const WorkerSlot place(context.statistics, reap_ == Reap::kWait ? 0 : 1);
      DriveBlocking(std::move(client), context);
    }
    ExitChild(0);
  }

  bool OnChildEnd(pid_t pid, int wait_status) override {
    // Not a client's: the keeper of the chat room, say, or a child from before this process became the server.
    if (children_.erase(pid) == 0) return false;
    CountLostClients(static_cast<int64_t>(children_.size()), *context_);
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return true;
    LOG_FLOOD(WARNING) << "child " << pid << " " << DescribeExit(wait_status)
                       << "; its client is lost, no other is affected";
    return true;
  }

  // A grandchild cannot use PR_SET_PDEATHSIG (prctl(2)): its parent is the middle process, which exits at once.
  Lifeline::Kin kin() const { return reap_ == Reap::kDoubleFork ? Lifeline::Kin::kOrphan : Lifeline::Kin::kChild; }

  const Reap reap_;
  ServerContext* context_ = nullptr;    // Set by Serve().
  std::unordered_set<pid_t> children_;  // With --reap=wait: those that have not been reaped.
  Lifeline lifeline_;
  std::unique_ptr<Acceptor> acceptor_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakeForkBackend() {
  if (FLAGS_reap == "ignore") return std::make_unique<ForkBackend>(Reap::kIgnore);
  if (FLAGS_reap == "wait") return std::make_unique<ForkBackend>(Reap::kWait);
  if (FLAGS_reap == "double_fork") return std::make_unique<ForkBackend>(Reap::kDoubleFork);
  return absl::InvalidArgumentError(absl::StrCat("--reap=", FLAGS_reap, " is not one of ignore, wait, double_fork"));
}

// Without --reap=wait the parent does not learn of a child that was killed, and the child would count against
// --max_connections for ever.
void AdjustTraits(Traits& can) { can.bounds_connections = FLAGS_reap == "wait"; }

const RegisterModel kRow(
    {.name = "fork",
     .description = "a process for each client",
     .lesson = 20,
     .can = {.computes_apart = true, .survives_crash = true, .shares_memory = false, .serves_elsewhere = true},
     .flags = "reap",
     .adjust = &AdjustTraits,
     .make = &MakeForkBackend});

}  // namespace

}  // namespace polyserve
