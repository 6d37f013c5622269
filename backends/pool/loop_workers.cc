#include "backends/pool/loop_workers.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <future>
#include <utility>
#include <vector>

#include "backends/accept/inbox.h"
#include "backends/pool/worker_processes.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "net/cpu.h"
#include "net/lifeline.h"
#include "net/statistics.h"
#include "net/thread_group.h"

namespace polyserve {

namespace {

using State = Scoreboard::State;
using Inboxes = std::vector<std::unique_ptr<Inbox>>;  // By slot; none but with --accept=pass.

// What threads and processes have in common: the stop, the inboxes, and how a loop is opened. A loop that runs stays
// kIdle on the scoreboard, however many clients it has: it can take another one at any time.
class LoopWorkers : public WorkerFactory {
 public:
  LoopWorkers(const LoopWorkersOptions& parts, UniqueFd stop, Inboxes inboxes)
      : parts_(parts), pool_(parts.pool), stop_(std::move(stop)), inboxes_(std::move(inboxes)) {}

  // Written once, although the pool repeats the call: no worker reads the eventfd, so it stays readable for all of
  // them.
  void Interrupt() override {
    const uint64_t one = 1;
    if (!is_told_) is_told_ = ::write(stop_.get(), &one, sizeof(one)) == sizeof(one);
  }

  bool HasRoom() override { return FindRoom(next_) >= 0; }

  // In turn: each loop gets as many as the others, unless it is slow to take them.
  void HandOver(Connection client) override {
    int slot = FindRoom(next_);
    if (slot < 0) slot = next_;  // It has ended since, and its replacement will take the client.
    next_ = (slot + 1) % pool_.scoreboard.slots();
    // The client counts in the slot of the loop that serves it, from before that loop can look.
    const Statistics& server = pool_.context.statistics;
    const int service = client.listener->number;
    server.OfWorker(slot).TakeOver(service, 1);
    const absl::Status put = inboxes_[static_cast<size_t>(slot)]->Put(std::move(client));
    // The client is lost. Put() has counted its end in the server's row, so that is where it must have come in.
    if (!put.ok()) server.OfWorker(slot).TakeOver(service, -1);
  }

  bool HasUntaken() override {
    return std::any_of(inboxes_.begin(), inboxes_.end(), [](const auto& inbox) { return inbox->CountUntaken() > 0; });
  }

  void DismissOne() override {}  // There are always as many loops as were asked for.

  void DismissAll() override {
    for (const std::unique_ptr<Inbox>& inbox : inboxes_) inbox->Close();
  }

 protected:
  // What a loop's thread or process owns. The loop refers to the other two, so it comes last, and is destroyed first.
  struct Worker {
    ServerContext context;
    WorkerRole role;
    std::unique_ptr<EventLoop> loop;
  };

  // Gets what the loop of this slot needs. Call it in the thread or process that will run the loop: affinity, the epoll
  // and the ring belong to that.
  absl::StatusOr<std::unique_ptr<Worker>> Open(int slot) {
    Inbox* inbox = inboxes_.empty() ? nullptr : inboxes_[static_cast<size_t>(slot)].get();
    absl::StatusOr<std::vector<Listener>> listeners = pool_.shared_listeners->CopyListeners(slot, inbox == nullptr);
    if (!listeners.ok()) return listeners.status();
    // When the loop is drained, no other client is for it: the slot says so, while the loop serves its clients to the
    // end.
    std::unique_ptr<Worker> worker(
        new Worker{ContextOfWorker(pool_.context, slot, *std::move(listeners)),
                   {stop_.get(), inbox, pool_.options.accept == AcceptPolicy::kShared, pool_.options.wakes_all,
                    [this, slot] {
                      pool_.scoreboard.Set(slot, State::kLeaving);
                      pool_.scoreboard.Wake();
                    },
                    slot},
                   nullptr});
    absl::StatusOr<std::unique_ptr<EventLoop>> loop = parts_.make_loop(worker->context, &worker->role);
    if (!loop.ok()) return loop.status();
    worker->loop = *std::move(loop);
    // Behind the loop, whose helpers (--offload) would inherit the affinity (pthread_setaffinity_np(3)): they are to
    // work beside it, not on its processor.
    if (pool_.options.pin_cpus) PinToCpu(slot);
    if (inbox != nullptr) pool_.scoreboard.Wake();  // The pool accepts only while a loop can take a client.
    return worker;
  }

  int CountUntaken(int slot) const {
    return inboxes_.empty() ? 0 : inboxes_[static_cast<size_t>(slot)]->CountUntaken();
  }

  const LoopWorkersOptions parts_;
  PoolParts& pool_;

 private:
  // The first loop, from this slot on, that can get a client; -1: none can. A loop that is leaving takes no more.
  int FindRoom(int from) {
    for (int i = 0; i < pool_.scoreboard.slots(); ++i) {
      const int slot = (from + i) % pool_.scoreboard.slots();
      if (pool_.scoreboard.state(slot) == State::kIdle && inboxes_[static_cast<size_t>(slot)]->HasRoom()) return slot;
    }
    return -1;
  }

  const UniqueFd stop_;  // Readable once the server stops.
  const Inboxes inboxes_;
  bool is_told_ = false;
  int next_ = 0;
};

// Loops as threads of this process.
class ThreadLoops : public LoopWorkers {
 public:
  using LoopWorkers::LoopWorkers;

  // Returns when the loop is open. All threads share the process's descriptors, so at the start the loops open theirs
  // before any client can. Later a replacement may fail for want of one: the pool then tries again.
  absl::Status Start(int slot) override {
    // A promise, because the scoreboard has no place for the text of an error.
    std::promise<absl::Status> opening;
    std::future<absl::Status> opened = opening.get_future();
    const absl::Status started =
        threads_.Start([this, slot, opening = std::move(opening)]() mutable { Work(slot, std::move(opening)); });
    return started.ok() ? opened.get() : started;
  }

 private:
  void Work(int slot, std::promise<absl::Status> opening) {
    absl::StatusOr<std::unique_ptr<Worker>> worker = Open(slot);
    // A status of its own: copies share a count of references, and ThreadSanitizer does not see into Debian's Abseil.
    opening.set_value(absl::Status(worker.status().code(), worker.status().message()));
    // The slot is not touched: either Start() returns the error, and its caller vacates the slot, or the server has
    // failed to start.
    if (!worker.ok() || !parts_.may_run.get()) return;
    const absl::Status status = (*worker)->loop->Run();
    if (!status.ok()) LOG_FLOOD(ERROR) << "a loop has failed: " << status.message();
    // Before the slot is free: its replacement may need these descriptors.
    worker->reset();
    pool_.scoreboard.Set(slot, status.ok() ? State::kLeft : State::kCrashed);
    pool_.scoreboard.Wake();
  }

  ThreadGroup threads_;  // Its destructor waits for them.
};

// Loops as processes: a crash ends the clients of one loop alone.
class ProcessLoops : public LoopWorkers {
 public:
  ProcessLoops(const LoopWorkersOptions& parts, UniqueFd stop, Inboxes inboxes, Lifeline lifeline)
      : LoopWorkers(parts, std::move(stop), std::move(inboxes)),
        processes_(pool_.scoreboard, std::move(lifeline), pool_.context,
                   [this](int slot) { return CountUntaken(slot); }) {}

  // Whether a process could open a loop. It tries the last slot, whose descriptors have the largest numbers: select(2)
  // has a limit.
  absl::Status TryWorker() {
    return processes_.TryInWorker([this] { return Open(pool_.scoreboard.slots() - 1).status(); });
  }

  absl::Status Start(int slot) override {
    return processes_.Fork(slot, [this, slot] { return RunWorker(slot); });
  }

 private:
  int RunWorker(int slot) {
    // Closes this process's copies of the inlets. Only the parent deals clients out, and an inbox ends with its last
    // inlet.
    DismissAll();
    const absl::StatusOr<std::unique_ptr<Worker>> worker = Open(slot);
    const absl::Status status = worker.ok() ? (*worker)->loop->Run() : worker.status();
    if (!status.ok()) LOG_FLOOD(ERROR) << "a loop has failed: " << status.message();
    // Any status but 0 counts as a crash, and the pool backs off if that happens too soon (BackOff).
    return status.ok() ? 0 : 1;
  }

  WorkerProcesses processes_;
};

// What WorkerRole::stop_fd is: readable once the server stops.
absl::StatusOr<UniqueFd> MakeStop() {
  // An eventfd(2) that is never read stays readable: for any number of loops, and for one that starts later.
  UniqueFd stop(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!stop.ok()) return SysError("eventfd");
  return stop;
}

// One for each loop with --accept=pass, none otherwise.
absl::StatusOr<Inboxes> MakeInboxes(PoolParts& pool, bool between_processes) {
  Inboxes inboxes;
  if (!pool.passes()) return inboxes;
  const auto on_room = [&scoreboard = pool.scoreboard] { scoreboard.Wake(); };
  for (int slot = 0; slot < pool.scoreboard.slots(); ++slot) {
    absl::StatusOr<std::unique_ptr<Inbox>> inbox =
        between_processes ? MakeProcessInbox(pool.context, on_room) : MakeThreadInbox(on_room);
    if (!inbox.ok()) return inbox.status();
    inboxes.push_back(*std::move(inbox));
  }
  return inboxes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerFactory>> MakeThreadLoops(const LoopWorkersOptions& parts) {
  absl::StatusOr<UniqueFd> stop = MakeStop();
  if (!stop.ok()) return stop.status();
  absl::StatusOr<Inboxes> inboxes = MakeInboxes(parts.pool, false);
  if (!inboxes.ok()) return inboxes.status();
  return std::make_unique<ThreadLoops>(parts, *std::move(stop), *std::move(inboxes));
}

absl::StatusOr<std::unique_ptr<WorkerFactory>> MakeProcessLoops(const LoopWorkersOptions& parts) {
  absl::StatusOr<Lifeline> lifeline = Lifeline::Create();
  if (!lifeline.ok()) return lifeline.status();
  absl::StatusOr<UniqueFd> stop = MakeStop();
  if (!stop.ok()) return stop.status();
  absl::StatusOr<Inboxes> inboxes = MakeInboxes(parts.pool, true);
  if (!inboxes.ok()) return inboxes.status();
  auto loops = std::make_unique<ProcessLoops>(parts, *std::move(stop), *std::move(inboxes), *std::move(lifeline));
  if (absl::Status status = loops->TryWorker(); !status.ok()) return status;
  return loops;
}

}  // namespace polyserve
