#include "backends/multi_loop.h"

#include <future>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/accept/server_context.h"
#include "backends/connection/offload_options.h"
#include "backends/pool/loop_workers.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/scoreboard.h"
#include "backends/pool/shared_listeners.h"
#include "backends/registry.h"
#include "net/cpu.h"
#include "net/lifeline.h"

namespace polyserve {

namespace {

class OneLoop : public Backend {
 public:
  OneLoop(MakeLoop make_loop, const LoopOptions& options) : make_loop_(std::move(make_loop)), options_(options) {}

  absl::Status Prepare(ServerContext& context) override {
    if (options_.pool.pin_cpus) PinToCpu(0);
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = make_loop_(context, nullptr);
    if (!loop.ok()) return loop.status();
    loop_ = *std::move(loop);
    return absl::OkStatus();
  }
  absl::Status Serve(ServerContext&) override { return loop_->Run(); }

 private:
  const MakeLoop make_loop_;
  const LoopOptions options_;
  std::unique_ptr<EventLoop> loop_;
};

class SeveralLoops : public Backend {
 public:
  SeveralLoops(MakeLoop make_loop, const LoopOptions& options) : make_loop_(std::move(make_loop)), options_(options) {}

  ~SeveralLoops() override {
    if (!is_serving_) may_run_.set_value(false);  // Those who have started leave, and are waited for.
  }

  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<Scoreboard> scoreboard = Scoreboard::Create(options_.pool.workers);
    if (!scoreboard.ok()) return scoreboard.status();
    scoreboard_.emplace(*std::move(scoreboard));
    absl::StatusOr<std::unique_ptr<SharedListeners>> shared_listeners =
        SharedListeners::Create(context, options_.pool, nullptr);
    if (!shared_listeners.ok()) return shared_listeners.status();
    shared_listeners_ = *std::move(shared_listeners);
    return MakeWorkers(
        {context, options_.pool, make_loop_, *scoreboard_, *shared_listeners_, may_run_.get_future().share()});
  }

  absl::Status Serve(ServerContext& context) override {
    is_serving_ = true;
    may_run_.set_value(true);
    Pool(context, options_.pool, *scoreboard_, *shared_listeners_, *workers_).Run();
    return absl::OkStatus();
  }

 private:
  absl::Status MakeWorkers(const LoopWorkersOptions& parts) {
    absl::StatusOr<Lifeline> lifeline = Lifeline();
    if (options_.are_processes) lifeline = Lifeline::Create();
    if (!lifeline.ok()) return lifeline.status();
    lifeline_ = *std::move(lifeline);
    absl::StatusOr<std::unique_ptr<WorkerFactory>> workers =
        options_.are_processes ? MakeProcessLoops(parts, lifeline_) : MakeThreadLoops(parts);
    if (!workers.ok()) return workers.status();
    workers_ = *std::move(workers);
    return options_.are_processes ? absl::OkStatus() : StartThreads();
  }

  // Threads take what they need from what the process has, so they do before clients can, and wait then. (A process has
  // its own, and is started when the server is ready.)
  absl::Status StartThreads() {
    for (int slot = 0; slot < scoreboard_->slots(); ++slot) {
      scoreboard_->Set(slot, Scoreboard::State::kIdle);
      const absl::Status status = workers_->Start(slot);
      if (status.ok()) continue;
      const std::string which = absl::StrCat("loop ", slot + 1, " of ", scoreboard_->slots());
      return absl::Status(status.code(), absl::StrCat(which, ": ", status.message()));
    }
    return absl::OkStatus();
  }

  const MakeLoop make_loop_;
  const LoopOptions options_;
  std::optional<Scoreboard> scoreboard_;
  std::unique_ptr<SharedListeners> shared_listeners_;
  Lifeline lifeline_;
  std::promise<bool> may_run_;
  bool is_serving_ = false;
  std::unique_ptr<WorkerFactory> workers_;  // Last: its destructor waits for threads that use the others.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeMultiLoopBackend(MakeLoop make_loop) {
  const absl::StatusOr<LoopOptions> options = LoopOptionsFromFlags();
  if (!options.ok()) return options.status();
  if (options->is_one()) return std::make_unique<OneLoop>(std::move(make_loop), *options);
  return std::make_unique<SeveralLoops>(std::move(make_loop), *options);
}

void AdjustLoopTraits(Traits& can) {
  if (LoopsAreProcesses()) can.shares_memory = false;
  const absl::StatusOr<OffloadOptions> offload = OffloadOptionsFromFlags();
  if (offload.ok() && offload->helpers > 0) can.computes_apart = true;
  const absl::StatusOr<LoopOptions> loops = LoopOptionsFromFlags();
  if (loops.ok() && !loops->is_one()) can.serves_elsewhere = true;
}

}  // namespace polyserve
