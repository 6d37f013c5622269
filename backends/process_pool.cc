#include "backends/process_pool.h"

#include <optional>
#include <utility>

#include "backends/accept/server_context.h"
#include "backends/pool/pool.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"
#include "backends/pool/waiting_room.h"
#include "backends/pool/worker_processes.h"
#include "base/logging.h"
#include "net/lifeline.h"
#include "net/statistics.h"

namespace polyserve {

namespace {

using MakeLock = absl::StatusOr<std::unique_ptr<AcceptLock>> (*)();

class ProcessPool : public Backend, public WorkerFactory {
 public:
  ProcessPool(const PoolOptions& options, MakeLock make_lock, OpenWork open)
      : options_(options), make_lock_(make_lock), open_(open) {}

  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<AcceptLock>> lock = nullptr;
    if (options_.accept == AcceptPolicy::kLock) lock = make_lock_();
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
      const absl::Status status = open_({*parts_, 0, channel_}).status();
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
    if (parts_->waiting_room != nullptr) parts_->waiting_room->CloseInChild();
    const absl::Status status = parts_->is_udp_slot(slot) ? parts_->RunUdpWorker() : ServeClients(slot);
    if (!status.ok()) LOG_FLOOD(ERROR) << "a worker has failed: " << status.message();
    return status.ok() ? 0 : 1;  // Any status but 0 counts as a crash.
  }

  absl::Status ServeClients(int slot) {
    ServerContext& context = parts_->context;                // This process has a copy of its own.
    context.statistics = context.statistics.OfWorker(slot);  // If it is killed, its row tells what was lost.
    for (Listener& listener : context.listeners) {
      if (parts_->passes() || listener.has_datagrams()) listener.fd.reset();  // Others accept from them.
    }
    const WorkerProcess process{*parts_, slot, channel_};
    const absl::StatusOr<std::unique_ptr<ProcessWork>> work = open_(process);
    return work.ok() ? (*work)->Run() : work.status();
  }

  const PoolOptions options_;
  const MakeLock make_lock_;
  const OpenWork open_;
  std::unique_ptr<PoolParts> parts_;
  ClientChannel channel_;
  std::optional<WorkerProcesses> processes_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ClientSource>> WorkerProcess::OpenSource() const {
  return parts.passes() ? channel.Open(parts.scoreboard, parts.context) : parts.shared_listeners->Open(slot);
}

std::unique_ptr<Backend> MakeProcessPool(const PoolOptions& options, MakeLock make_lock, OpenWork open) {
  return std::make_unique<ProcessPool>(options, make_lock, open);
}

}  // namespace polyserve
