// prefork: processes that are forked before the clients come, each serving one client after the other.
//
//   shared, reuseport   worker:  epoll_wait ─▶ accept ─▶ [ read ─▶ session ─▶ write ]* ─▶ close ─▶ epoll_wait ...
//   lock                worker:  lock ─▶ epoll_wait ─▶ accept ─▶ unlock ─▶ [ ... ]* ─▶ close ─▶ lock ...
//   pass                parent:  accept ─▶ sendmsg        worker:  epoll_wait ─▶ recvmsg ─▶ [ ... ]* ─▶ close ─▶ ...
//
// Cost: as many processes as there are workers, however few the clients; no fork while a client waits. A worker that
// crashes takes one client along, and is replaced. Weak spot: as many silent clients as there are workers fill it;
// what clients share (a chat room) needs a place outside of the workers.
// Pool::Run() (backends/pool/pool.cc) decides when a worker starts. fork(2) is in backends/pool/worker_processes.cc,
// accept(2) in the source that a worker opens (backends/pool/shared_listeners.cc).
// Sources: Stevens, Fenner, Rudoff, UNIX Network Programming, vol. 1, chapter 30 ("preforked" servers); on accepting:
// Brecht, Pariag, Gammo, "accept()able Strategies for Improving Web Server Performance", USENIX 2004.
#include <gflags/gflags.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "backends/accept/accept_lock.h"
#include "backends/backend.h"
#include "backends/blocking/blocking_driver.h"
#include "backends/pool/client_channel.h"
#include "backends/pool/client_source.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/pool_parts.h"
#include "backends/pool/worker_processes.h"
#include "backends/registry.h"
#include "base/command_line.h"
#include "base/logging.h"
#include "net/lifeline.h"

DEFINE_string(lock, "mutex", "=mutex|file prefork --accept=lock: what the lock is, in shared memory or by fcntl(2)");

namespace polyserve {

namespace {

class PreforkBackend : public Backend, public WorkerFactory {
 public:
  explicit PreforkBackend(const PoolOptions& options) : options_(options) {}

  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<AcceptLock>> lock = nullptr;
    if (options_.accept == AcceptPolicy::kLock) lock = FLAGS_lock == "file" ? MakeFileLock() : MakeProcessMutex();
    if (!lock.ok()) return lock.status();
    absl::StatusOr<std::unique_ptr<PoolParts>> parts = PoolParts::Create(context, options_, *std::move(lock));
    if (!parts.ok()) return parts.status();
    parts_ = *std::move(parts);
    absl::StatusOr<Lifeline> lifeline = Lifeline::Create();
    if (!lifeline.ok()) return lifeline.status();
    absl::StatusOr<ClientChannel> channel = ClientChannel::Create();  // Before the first fork: all inherit it.
    if (!channel.ok()) return channel.status();
    channel_ = *std::move(channel);
    processes_.emplace(parts_->scoreboard, *std::move(lifeline), context);
    return processes_->TryInWorker([this] {
      const absl::Status status = OpenSource(0).status();
      return status.ok() ? parts_->TryUdpWorker() : status;
    });
  }

  absl::Status Serve(ServerContext&) override {
    Pool(*parts_, *this).Run();  // Calls the functions below.
    return absl::OkStatus();
  }

  // Forks a worker. What RunWorker() returns is the exit status of the child.
  absl::Status Start(int slot) override {
    return processes_->Fork(slot, [this, slot] { return RunWorker(slot); });
  }
  void Interrupt() override {
    processes_->TellStop();
    parts_->StopUdpWorker();
  }

  // With --accept=pass the parent accepts. A worker that has just taken a client may still count as idle: one too many.
  bool HasRoom() override { return channel_.CountUntaken() < parts_->scoreboard.Count(Scoreboard::State::kIdle); }
  bool HasUntaken() override { return parts_->passes() && channel_.CountUntaken() > 0; }
  void HandOver(Connection client) override { channel_.Push(client, parts_->context); }
  void DismissOne() override { channel_.DismissOne(); }
  void DismissAll() override { channel_.CloseInlet(); }

 private:
  // In the child, from its fork to its exit.
  int RunWorker(int slot) {
    channel_.CloseInlet();  // The parent's alone: that it closes tells the workers to leave.
    const absl::Status status = parts_->is_udp_slot(slot) ? parts_->RunUdpWorker() : ServeClients(slot);
    if (!status.ok()) LOG(ERROR) << "a worker has failed: " << status.message();
    return status.ok() ? 0 : 1;  // Any status but 0 counts as a crash.
  }

  absl::Status ServeClients(int slot) {
    ServerContext& context = parts_->context;                // This process has a copy of its own.
    context.statistics = context.statistics.OfWorker(slot);  // If it is killed, its row tells what was lost.
    for (Listener& listener : context.listeners) {
      if (parts_->passes() || listener.has_datagrams()) listener.fd.reset();  // Others accept from them.
    }
    absl::StatusOr<std::unique_ptr<ClientSource>> source = OpenSource(slot);
    if (!source.ok()) return source.status();
    PoolWorker worker(*parts_, slot, **source, context);
    while (true) {
      absl::StatusOr<Connection> client = worker.Next();
      if (!client.ok()) return absl::OkStatus();  // Dismissed, or the server stops.
      DriveBlocking(*std::move(client), context);
    }
  }

  absl::StatusOr<std::unique_ptr<ClientSource>> OpenSource(int slot) {
    return parts_->passes() ? channel_.Open(parts_->scoreboard, parts_->context) : parts_->shared_listeners->Open(slot);
  }

  const PoolOptions options_;
  std::unique_ptr<PoolParts> parts_;
  ClientChannel channel_;
  std::optional<WorkerProcesses> processes_;
};

absl::StatusOr<std::unique_ptr<Backend>> MakePreforkBackend() {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (!options.ok()) return options.status();
  if (IsFlagSet("lock") && options->accept != AcceptPolicy::kLock) {
    return absl::InvalidArgumentError("--lock goes with --accept=lock; leave it out, or say that");
  }
  if (FLAGS_lock == "mutex" || FLAGS_lock == "file") return std::make_unique<PreforkBackend>(*options);
  return absl::InvalidArgumentError(absl::StrCat("--lock=", FLAGS_lock, " is not one of mutex, file"));
}

// If each worker has listeners of its own, the kernel gives a client to one of them even if that worker is busy.
void AdjustTraits(Traits& can) {
  const absl::StatusOr<PoolOptions> options = PoolOptionsFromFlags();
  if (options.ok() && options->accept == AcceptPolicy::kReusePort) can.keeps_clients_apart = can.computes_apart = false;
}

const RegisterModel kRow({.name = "prefork",
                          .description = "a process of a pool",
                          .lesson = 50,
                          .can = {.pooled = true,
                                  .computes_apart = true,
                                  .survives_crash = true,
                                  .shares_memory = false,
                                  .serves_elsewhere = true},
                          .flags = "workers accept wake lock workers_min workers_max max_requests_per_worker pin_cpus",
                          .adjust = &AdjustTraits,
                          .make = &MakePreforkBackend});

}  // namespace

}  // namespace polyserve
