// staged: SEDA, the staged event-driven architecture. A request goes from stage to stage, each of which has a queue, a
// pool of threads, and a controller that decides how many threads there are.
//
//   accept:  the kernel's queue ─▶ accept, wait for all ◀────────────────────────── all is sent ───┐
//   read:            ready ─▶ [ queue ] ─▶ read, parse ──┐                                         │
//   work:                        a task ─▶ [ queue ] ─▶ run it ──┐                                 │
//   write:                                a reply ─▶ [ queue ] ─▶ send ──▶ ready again, or more ───┘
//
// Admission: while as many clients as --admission wait in one of the queues, none is accepted; they stay in the
// kernel's queue. The stages' queues are in /-/status.
//
// Cost: a hand-over between threads for each stage, with one lock for all queues. Weak spot: short requests. In return
// an overload shows where it is, and a slow stage gets threads without any for the others.
//
// The first stage is the main thread's: epoll's loop, in its turn (backends/event/poller_loop.h). The queue, its
// threads and the controller are in backends/stage.h; how a client comes and goes, in backends/threaded_client.h.
// Source: Welsh, Culler, Brewer, "SEDA: An Architecture for Well-Conditioned, Scalable Internet Services", SOSP 2001.
#include <gflags/gflags.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "backends/accept/server_context.h"
#include "backends/event/event_loop.h"
#include "backends/event/poller_loop.h"
#include "backends/multi_loop.h"
#include "backends/poller/poller.h"
#include "backends/registry.h"
#include "backends/stage.h"
#include "backends/threaded_client.h"
#include "base/command_line.h"
#include "base/mutex.h"
#include "net/statistics.h"
#include "net/thread_group.h"

DEFINE_int32(stage_threads, 8, "staged: the most threads of a stage; each begins with one");
DEFINE_int32(stage_queue, 16, "staged: how many clients wait for a stage when it gets one more thread; for work, one");
DEFINE_int32(admission, 1024, "staged: no client is accepted while this many wait in the queue of a stage");

namespace polyserve {

namespace {

constexpr int kMaxStageThreads = 256;
constexpr int kMaxQueue = 1'000'000;

class StagedLoop : public EventLoop, public ReadyClients {
 public:
  explicit StagedLoop(ServerContext& context) : context_(context) {}

  ~StagedLoop() override {
    MutexLock lock(mutex_);
    for (const auto& stage : stages_) stage->Close();
  }

  absl::Status Open() {
    MutexLock lock(mutex_);
    absl::StatusOr<std::unique_ptr<PollerLoop>> loop =
        OpenThreadedLoop(context_, mutex_, *this, kAcceptor, {.admits = [this] { return Admits(); }});
    if (!loop.ok()) return loop.status();
    loop_ = *std::move(loop);
    absl::Status status = AddStage(StageName::kRead, FLAGS_stage_queue);
    status.Update(AddStage(StageName::kWork, 1));
    status.Update(AddStage(StageName::kWrite, FLAGS_stage_queue));
    return status;
  }

  absl::Status Run() override {
    const WorkerSlot slot(context_.statistics);
    MutexLock lock(mutex_);
    absl::Status status;
    while (status.ok() && !loop_->is_over()) {
      waits_until_ = loop_->EndOfWait();
      status = loop_->Turn();  // Releases the mutex while it waits.
    }
    return status;
  }

 private:
  static constexpr int kAcceptor = 0;  // No client is bound to a thread.

  void Add(ThreadedClient& client) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    stages_[static_cast<size_t>(StageOf(client.step()))]->Add(client);
  }

  bool Admits() ABSL_NO_THREAD_SAFETY_ANALYSIS {  // The loop calls it in its turn, with the mutex held.
    const auto most = static_cast<size_t>(FLAGS_admission);
    return std::all_of(stages_.begin(), stages_.end(), [most](const auto& stage) { return stage->waiting() < most; });
  }

  absl::Status AddStage(StageName name, int grow_at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const int first_worker = static_cast<int>(stages_.size()) * FLAGS_stage_threads;
    const Stage::Options options{name, grow_at, FLAGS_stage_threads, first_worker};
    const auto serve = [this](ThreadedClient& client, Workspace& space, Counters& own)
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { Serve(client, space, own); };
    stages_.push_back(std::make_unique<Stage>(options, mutex_, context_.statistics, threads_, serve));
    return stages_.back()->Start();
  }

  // In a thread of a stage.
  void Serve(ThreadedClient& client, Workspace& space, Counters& own) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    mutex_.unlock();
    client.Serve(space, own);
    mutex_.lock();
    client.Return();  // May destroy it.
    // The main thread may wait for longer than it should by now: for a new timer, or for the end.
    if (loop_->is_over() || loop_->EndOfWait() < waits_until_) loop_->Interrupt();
  }

  ServerContext& context_;
  Mutex mutex_;
  Poller::Clock::time_point waits_until_ ABSL_GUARDED_BY(mutex_);       // The main thread, as it knew.
  std::vector<std::unique_ptr<Stage>> stages_ ABSL_GUARDED_BY(mutex_);  // In the order of their names.
  std::unique_ptr<PollerLoop> loop_;  // Set before there are threads; used with the mutex held.
  ThreadGroup threads_;               // Last: its destructor waits for threads that use the others.
};

absl::StatusOr<std::unique_ptr<Backend>> MakeStagedBackend() {
  absl::Status status = CheckFlagRange("stage_threads", FLAGS_stage_threads, 1, kMaxStageThreads);
  status.Update(CheckFlagRange("stage_queue", FLAGS_stage_queue, 1, kMaxQueue));
  status.Update(CheckFlagRange("admission", FLAGS_admission, 1, kMaxQueue));
  if (!status.ok()) return status;
  using Made = absl::StatusOr<std::unique_ptr<EventLoop>>;
  return MakeOneLoopBackend([](ServerContext& context, const WorkerRole*) -> Made {
    auto loop = std::make_unique<StagedLoop>(context);
    if (absl::Status opened = loop->Open(); !opened.ok()) return opened;
    return loop;
  });
}

const RegisterModel kRow({.name = "staged",
                          .description = "stages with queues, each with threads of its own",
                          .lesson = 125,
                          .can = {.computes_apart = true, .serves_elsewhere = true},
                          .flags = "stage_threads stage_queue admission",
                          .queues = "read work write",
                          .make = &MakeStagedBackend});

}  // namespace

}  // namespace polyserve
