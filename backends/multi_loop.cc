#include "backends/multi_loop.h"

#include <future>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/accept/server_context.h"
#include "backends/connection/offload_options.h"
#include "backends/pool/loop_workers.h"
#include "backends/pool/pool.h"
#include "backends/pool/pool_options.h"
#include "backends/pool/pool_parts.h"
#include "backends/pool/scoreboard.h"
#include "backends/registry.h"
#include "net/cpu.h"

namespace polyserve {

namespace {

// No pool around it: the loop accepts, and takes the signals (a null role).
class OneLoop : public Backend {
 public:
  OneLoop(MakeLoop make_loop, bool pin_cpus) : make_loop_(std::move(make_loop)), pin_cpus_(pin_cpus) {}

  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = make_loop_(context, nullptr);
    if (!loop.ok()) return loop.status();
    loop_ = *std::move(loop);
    return absl::OkStatus();
  }
  absl::Status Serve(ServerContext&) override {
    // Not earlier: a new thread inherits the affinity of the thread that starts it (pthread_setaffinity_np(3)), and the
    // loop's helpers (--offload) are to work beside it, not on its processor.
    if (pin_cpus_) PinToCpu(0);
    return loop_->Run();
  }

 private:
  const MakeLoop make_loop_;
  const bool pin_cpus_;
  std::unique_ptr<EventLoop> loop_;
};

// The main thread serves no client: it supervises the loops, and with --accept=pass accepts for them.
class SeveralLoops : public Backend {
 public:
  SeveralLoops(MakeLoop make_loop, const LoopOptions& options) : make_loop_(std::move(make_loop)), options_(options) {}

  ~SeveralLoops() override {
    // The server has failed to start: threads that have opened their loops leave, and workers_ waits for them.
    if (!is_serving_) may_run_.set_value(false);
  }

  absl::Status Prepare(ServerContext& context) override {
    absl::StatusOr<std::unique_ptr<PoolParts>> parts = PoolParts::Create(context, options_.pool, nullptr);
    if (!parts.ok()) return parts.status();
    parts_ = *std::move(parts);
    // A shared future, because every thread waits for it.
    const LoopWorkersOptions of_workers{*parts_, make_loop_, may_run_.get_future().share()};
    absl::StatusOr<std::unique_ptr<WorkerFactory>> workers =
        options_.are_processes ? MakeProcessLoops(of_workers) : MakeThreadLoops(of_workers);
    if (!workers.ok()) return workers.status();
    workers_ = *std::move(workers);
    return options_.are_processes ? absl::OkStatus() : StartThreads();
  }

  // Threads that have opened their loops begin to serve; processes are started by the pool.
  absl::Status Serve(ServerContext&) override {
    is_serving_ = true;
    // Releases all threads at once: each has opened its loop, and waits for this.
    may_run_.set_value(true);
    Pool(*parts_, *workers_).Run();
    return absl::OkStatus();
  }

 private:
  // All threads share the process's descriptors, so they open what they need before clients can use those up, and then
  // wait for Serve(). (A process has its own descriptors, and is started when the server is ready.)
  absl::Status StartThreads() {
    for (int slot = 0; slot < parts_->scoreboard.slots(); ++slot) {
      // First, as in Pool::Start(): a running worker sets its own slot. If it cannot start, nothing has to be vacated,
      // because the server does not start either.
      parts_->scoreboard.Set(slot, Scoreboard::State::kIdle);
      const absl::Status status = workers_->Start(slot);
      if (status.ok()) continue;
      const std::string which = absl::StrCat("loop ", slot + 1, " of ", parts_->scoreboard.slots());
      return absl::Status(status.code(), absl::StrCat(which, ": ", status.message()));
    }
    return absl::OkStatus();
  }

  const MakeLoop make_loop_;
  const LoopOptions options_;
  std::unique_ptr<PoolParts> parts_;
  std::promise<bool> may_run_;  // See LoopWorkersOptions::may_run.
  bool is_serving_ = false;
  std::unique_ptr<WorkerFactory> workers_;  // Last: its destructor waits for threads that use the others.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeMultiLoopBackend(MakeLoop make_loop) {
  const absl::StatusOr<LoopOptions> options = LoopOptionsFromFlags();
  if (!options.ok()) return options.status();
  return MakeMultiLoopBackend(std::move(make_loop), *options);
}

std::unique_ptr<Backend> MakeMultiLoopBackend(MakeLoop make_loop, const LoopOptions& options) {
  // A pool around a single loop would only add a thread that waits for it.
  if (options.is_one()) return std::make_unique<OneLoop>(std::move(make_loop), options.pool.pin_cpus);
  return std::make_unique<SeveralLoops>(std::move(make_loop), options);
}

std::unique_ptr<Backend> MakeOneLoopBackend(MakeLoop make_loop) {
  return std::make_unique<OneLoop>(std::move(make_loop), /*pin_cpus=*/false);
}

// survives_crash stays false even for processes: a crash ends all clients of its loop, not one alone.
void AdjustLoopTraits(Traits& can) {
  if (LoopsAreProcesses()) can.shares_memory = false;
  // If a flag is wrong, nothing changes here: making the backend fails, with a message.
  const absl::StatusOr<OffloadOptions> offload = OffloadOptionsFromFlags();
  if (offload.ok() && offload->helpers > 0) {
    can.computes_apart = true;
    can.queues = false;  // Requests wait for the helpers then.
  }
  const absl::StatusOr<LoopOptions> loops = LoopOptionsFromFlags();
  if (loops.ok() && !loops->is_one()) can.serves_elsewhere = true;
}

}  // namespace polyserve
