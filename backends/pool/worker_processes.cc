#include "backends/pool/worker_processes.h"

#include <sys/wait.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "backends/accept/connection_limit.h"
#include "base/logging.h"
#include "net/process.h"
#include "net/signals.h"

namespace polyserve {

namespace {

// For the log, behind how the worker ended.
std::string DescribeLoss(int64_t clients) {
  if (clients == 0) return "";
  if (clients == 1) return "; its client is lost, no other is affected";
  return absl::StrCat("; its ", clients, " clients are lost, no other is affected");
}

}  // namespace

WorkerProcesses::WorkerProcesses(Scoreboard& scoreboard, Lifeline lifeline, ServerContext& context,
                                 CountUntaken count_untaken)
    : scoreboard_(scoreboard),
      lifeline_(std::move(lifeline)),
      context_(context),
      count_untaken_(std::move(count_untaken)),
      pids_(static_cast<size_t>(scoreboard.all_slots()), -1) {
  context_.child_observers.push_back(this);
}

WorkerProcesses::~WorkerProcesses() { std::erase(context_.child_observers, this); }

absl::Status WorkerProcesses::TryInWorker(absl::FunctionRef<absl::Status()> check) {
  return TryInChild([this, check] {
    // What a worker needs first, and what a system may lack: /proc, and signals for pipes.
    const absl::Status status = lifeline_.TryHold(Lifeline::Kin::kChild);
    return status.ok() ? check() : status;
  });
}

absl::Status WorkerProcesses::Fork(int slot, absl::FunctionRef<int()> work) {
  const absl::StatusOr<pid_t> pid = polyserve::Fork();
  if (!pid.ok()) return pid.status();
  if (*pid == 0) {
    // A worker leaves only when its parent says so: until then a client may be on its way to it.
    Signals::InstallInWorker(Signals::StopSignals::kIgnored);
    // From here on the worker dies with its parent, even if that is killed: it must not hold the ports of a server that
    // is gone.
    lifeline_.HoldInDescendant(Lifeline::Kin::kChild);
    // Never back into the caller's code: its destructors and its loop are the parent's.
    ExitChild(work());
  }
  // In time, even if the child has ended by now: children are reaped by this thread, later.
  pids_[static_cast<size_t>(slot)] = *pid;
  return absl::OkStatus();
}

bool WorkerProcesses::OnChildEnd(pid_t pid, int wait_status) {
  const auto found = std::find(pids_.begin(), pids_.end(), pid);
  // Some other child of the server, such as the keeper of the chat room.
  if (found == pids_.end()) return false;
  const int slot = static_cast<int>(found - pids_.begin());
  // Asked now, before the slot is free: a replacement would take them.
  int64_t untaken = count_untaken_ == nullptr ? 0 : count_untaken_(slot);
  int64_t lost = 0;
  for (int own = slot; own < scoreboard_.EndOf(slot); ++own) {
    lost += context_.statistics.CountLost(own, std::exchange(untaken, 0));
  }
  NoteEnd(slot, wait_status, lost);
  // All acceptors, whether or not one is known to wait: the worker may have been killed within Release().
  if (context_.connection_limit != nullptr) context_.connection_limit->WakeAll();
  return true;
}

void WorkerProcesses::NoteEnd(int slot, int wait_status, int64_t lost) {
  pid_t& pid = pids_[static_cast<size_t>(slot)];
  // A worker that leaves returns 0. A signal, or any other status, counts as a crash.
  const bool is_orderly = WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
  if (!is_orderly) {
    LOG_FLOOD(WARNING) << "worker " << pid << " " << DescribeExit(wait_status) << DescribeLoss(lost)
                       << "; another takes its place";
  }
  scoreboard_.SetWorker(slot, is_orderly ? Scoreboard::State::kLeft : Scoreboard::State::kCrashed);
  pid = -1;
}

}  // namespace polyserve
