#include "backends/loop_backend.h"

#include <future>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/entrance.h"
#include "backends/loop_crew.h"
#include "backends/pool.h"
#include "backends/pool_board.h"
#include "backends/pool_options.h"
#include "net/cpu.h"
#include "net/lifeline.h"

namespace polyserve {

namespace {

class OneLoop : public Backend {
 public:
  OneLoop(MakeLoop make_loop, const LoopOptions& options) : make_loop_(std::move(make_loop)), options_(options) {}

  absl::Status Prepare(ServeContext& context) override {
    if (options_.pool.pin_cpus) PinToCpu(0);
    absl::StatusOr<std::unique_ptr<ServingLoop>> loop = make_loop_(context, nullptr);
    if (loop.ok()) loop_ = *std::move(loop);
    return loop.status();
  }
  absl::Status Serve(ServeContext&) override { return loop_->Run(); }

 private:
  const MakeLoop make_loop_;
  const LoopOptions options_;
  std::unique_ptr<ServingLoop> loop_;
};

class SeveralLoops : public Backend {
 public:
  SeveralLoops(MakeLoop make_loop, const LoopOptions& options) : make_loop_(std::move(make_loop)), options_(options) {}

  ~SeveralLoops() override {
    if (!is_serving_) may_run_.set_value(false);  // Those who have started leave, and are waited for.
  }

  absl::Status Prepare(ServeContext& context) override {
    absl::StatusOr<PoolBoard> board = PoolBoard::Create(options_.pool.workers);
    if (!board.ok()) return board.status();
    board_.emplace(*std::move(board));
    absl::StatusOr<std::unique_ptr<Entrance>> entrance = Entrance::Create(context, options_.pool, nullptr);
    if (!entrance.ok()) return entrance.status();
    entrance_ = *std::move(entrance);
    return MakeCrew({context, options_.pool, make_loop_, *board_, *entrance_, may_run_.get_future().share()});
  }

  absl::Status Serve(ServeContext& context) override {
    is_serving_ = true;
    may_run_.set_value(true);
    Pool(context, options_.pool, *board_, *entrance_, *crew_).Run();
    return absl::OkStatus();
  }

 private:
  absl::Status MakeCrew(const CrewParts& parts) {
    absl::StatusOr<Lifeline> lifeline = Lifeline();
    if (options_.are_processes) lifeline = Lifeline::Create();
    if (!lifeline.ok()) return lifeline.status();
    lifeline_ = *std::move(lifeline);
    absl::StatusOr<std::unique_ptr<Crew>> crew =
        options_.are_processes ? MakeProcessLoops(parts, lifeline_) : MakeThreadLoops(parts);
    if (!crew.ok()) return crew.status();
    crew_ = *std::move(crew);
    return options_.are_processes ? absl::OkStatus() : StartThreads();
  }

  // Threads take what they need from what the process has, so they do before clients can, and wait then. (A process has
  // its own, and is started when the server is ready.)
  absl::Status StartThreads() {
    for (int slot = 0; slot < board_->slots(); ++slot) {
      board_->Set(slot, PoolBoard::State::kIdle);
      const absl::Status status = crew_->Start(slot);
      if (status.ok()) continue;
      const std::string which = absl::StrCat("loop ", slot + 1, " of ", board_->slots());
      return absl::Status(status.code(), absl::StrCat(which, ": ", status.message()));
    }
    return absl::OkStatus();
  }

  const MakeLoop make_loop_;
  const LoopOptions options_;
  std::optional<PoolBoard> board_;
  std::unique_ptr<Entrance> entrance_;
  Lifeline lifeline_;
  std::promise<bool> may_run_;
  bool is_serving_ = false;
  std::unique_ptr<Crew> crew_;  // Last: its destructor waits for threads that use the others.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> MakeLoopBackend(MakeLoop make_loop) {
  const absl::StatusOr<LoopOptions> options = LoopOptionsFromFlags();
  if (!options.ok()) return options.status();
  if (options->is_one()) return std::make_unique<OneLoop>(std::move(make_loop), *options);
  return std::make_unique<SeveralLoops>(std::move(make_loop), *options);
}

}  // namespace polyserve
