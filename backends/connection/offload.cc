#include "backends/connection/offload.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/connection/fairness.h"
#include "base/unique_fd.h"

namespace polyserve {

namespace {

// How much of a file a helper reads at once, onto its stack: the bytes themselves are of no use, only that the kernel
// has them.
constexpr int64_t kPieceBytes = 64 * 1024;

// Where the calling helper counts, if it runs sessions.
thread_local Counters* own_counters = nullptr;

// True if reading this byte would wait for a disk. RWF_NOWAIT is not supported by every file system (EOPNOTSUPP); then
// the file counts as being in memory, as it would without helpers.
bool IsCold(int fd, int64_t offset) {
  char byte = 0;
  iovec piece = {&byte, 1};
  return ::preadv2(fd, &piece, 1, offset, RWF_NOWAIT) < 0 && errno == EAGAIN;
}

// Brings this part of a file into the kernel's page cache. The part behind it is announced as well, so that the disk
// goes on while this one is sent. Errors are left to the send, which meets them again.
void ReadIntoPageCache(int fd, int64_t offset, int64_t length) {
  ::posix_fadvise(fd, offset, 2 * length, POSIX_FADV_WILLNEED);
  char piece[kPieceBytes];
  for (int64_t read = 0; read < length; read += kPieceBytes) {
    if (::pread(fd, piece, sizeof(piece), offset + read) <= 0) return;
  }
}

}  // namespace

// Shared by the client and the helper, since either may go first. A lock of its own: a long queue does not contend with
// results.
struct Offload::State {
  State(Output::Task to_do, Output::Task if_refused)
      : can_be_refused(if_refused != nullptr), task(std::move(to_do)), refusal(std::move(if_refused)) {}

  const bool can_be_refused;
  Mutex mutex;
  Output::Task task ABSL_GUARDED_BY(mutex);
  Output::Task refusal ABSL_GUARDED_BY(mutex);
  Output result ABSL_GUARDED_BY(mutex);
  bool is_done ABSL_GUARDED_BY(mutex) = false;
  Waker* completion ABSL_GUARDED_BY(mutex) = nullptr;  // Null: the client has left.
};

Offload::Submitted::Submitted(std::shared_ptr<State> state, WakeList& wakes, Wakeable& client)
    : state_(std::move(state)), completion_(wakes, client) {
  MutexLock lock(state_->mutex);
  state_->completion = &completion_;
}

// A helper wakes the client within this lock, so once this returns it does not touch completion_ any more.
Offload::Submitted::~Submitted() {
  MutexLock lock(state_->mutex);
  state_->completion = nullptr;
}

bool Offload::Submitted::is_done() const {
  MutexLock lock(state_->mutex);
  return state_->is_done;
}

Output Offload::Submitted::TakeResult() {
  MutexLock lock(state_->mutex);
  return std::move(state_->result);
}

void Offload::ClientTask::Run(Offload& helpers, Output::Task task, Wakeable& client, Output::Task refusal) {
  submitted_ = helpers.Submit(std::move(task), client, std::move(refusal));
}

// has_read_ alternates: a reading, then a send whatever the kernel still has in memory. Without that, a client might
// read the same part again and again while the kernel evicts it.
bool Offload::ClientTask::ReadAhead(Offload* helpers, const Output& output, Wakeable& client) {
  if (helpers == nullptr || std::exchange(has_read_, false)) return false;
  submitted_ = helpers->SubmitRead(output, client);
  has_read_ = submitted_ != nullptr;
  return has_read_;
}

bool Offload::ClientTask::TakeResult(Output& output) {
  if (!submitted_->is_done()) return false;
  // After a reading it is not empty: the file is still to be sent, and the task had no result.
  if (output.empty()) {
    Output result = submitted_->TakeResult();
    // The timer that the session asked for before its task, unless the task has set another one.
    if (output.asks_for_wake() && !result.asks_for_wake()) result.SetTimer(output.TakeWakeIn());
    output = std::move(result);
  }
  submitted_ = nullptr;
  return true;
}

absl::StatusOr<std::unique_ptr<Offload>> Offload::Create(const OffloadOptions& options, WakeList& wakes,
                                                         const Statistics& statistics) {
  if (options.helpers == 0) return nullptr;
  std::unique_ptr<Offload> offload(new Offload(options, wakes, statistics));
  for (int i = 0; i < options.helpers; ++i) {
    absl::Status status = offload->helpers_.Start([self = offload.get(), i] { self->Help(i); });
    // The destructor of `offload` ends the helpers that have started already.
    if (!status.ok()) {
      const absl::string_view flag = options.runs_sessions ? "--workers: " : "--offload: ";
      return absl::Status(status.code(), absl::StrCat(flag, status.message()));
    }
  }
  return offload;
}

// Helpers look at is_closed_ before they take a task, so those that wait in the queue are never begun. The destructor
// of helpers_, which runs next, waits for the threads.
Offload::~Offload() {
  {
    MutexLock lock(mutex_);
    is_closed_ = true;
    while (queue_.TakeOldest().has_value()) {
    }
  }
  changed_.notify_all();
}

std::unique_ptr<Offload::Submitted> Offload::Submit(Output::Task task, Wakeable& client, Output::Task refusal) {
  auto state = std::make_shared<State>(std::move(task), std::move(refusal));
  // Before a helper can see the task: its completion has to find the client.
  auto submitted = std::make_unique<Submitted>(state, wakes_, client);
  const bool may_be_refused = state->can_be_refused;
  std::optional<std::shared_ptr<State>> refused;
  {
    MutexLock lock(mutex_);
    refused = queue_.Add(std::move(state), Line::Clock::now(), may_be_refused);
    if (refused.has_value() && !(*refused)->can_be_refused) kept_.push_back(*std::exchange(refused, std::nullopt));
  }
  // Outside the lock, so that the helper that wakes does not have to wait for it.
  changed_.notify_one();
  // Here: all helpers may be busy for long, and to refuse costs little.
  if (refused.has_value()) Do(**refused, &QueueCounters::refused);
  return submitted;
}

// The task holds the file open by a shared pointer: the client may leave, and its output with it, while a helper reads.
std::unique_ptr<Offload::Submitted> Offload::SubmitRead(const Output& output, Wakeable& client) {
  const Output::FileRange* const next = options_.reads_files ? output.FirstFile() : nullptr;
  if (next == nullptr) return nullptr;
  const int64_t length = std::min(next->length, kBytesPerTurn);
  const int fd = next->file->get();
  // Only its two ends are looked at: a look at each page would cost as much as the read.
  if (!IsCold(fd, next->offset) && !IsCold(fd, next->offset + length - 1)) return nullptr;
  return Submit(
      [file = next->file, offset = next->offset, length](Output&) { ReadIntoPageCache(file->get(), offset, length); },
      client);
}

// Waits for the next task. Empty: the helpers are to end. Those that were kept and the queue take turns, so that
// neither waits for the other's end. The clock is looked at only if there is a task.
Offload::Line::Taken Offload::AwaitTask() {
  MutexLock lock(mutex_);
  while (!is_closed_) {
    takes_kept_ = !kept_.empty() && (queue_.empty() || !takes_kept_);
    if (takes_kept_) {
      Line::Taken next{std::move(kept_.front()), false};
      kept_.pop_front();
      return next;
    }
    if (!queue_.empty()) return *queue_.Take(Line::Clock::now());
    changed_.wait(mutex_);
  }
  return {nullptr, false};
}

// One that runs sessions serves clients, and counts what it answers.
void Offload::Help(int helper) {
  if (!options_.runs_sessions) return RunTasks();
  const Statistics own = statistics_.OfWorker(options_.first_row + helper);
  own_counters = &own.counters();
  const WorkerSlot slot(own);
  RunTasks();
}

Counters& Offload::CountersOfThisHelper() { return *own_counters; }

// What a helper does.
void Offload::RunTasks() {
  for (Line::Taken next = AwaitTask(); next.one != nullptr; next = AwaitTask()) {
    Do(*next.one, next.is_overdue ? &QueueCounters::dropped : nullptr);
  }
}

// The state's lock is held twice, for moments: to take the task, and to hand over the result. The client may leave
// before, between and after; each time `completion` says so.
void Offload::Do(State& state, std::atomic<int64_t> QueueCounters::*refused_as) {
  Output::Task task;
  {
    MutexLock lock(state.mutex);
    if (state.completion == nullptr) return;  // The client has left while the task was queued.
    const bool is_refused = refused_as != nullptr && state.can_be_refused;
    if (is_refused) Counters::Add(statistics_.queue().*refused_as, 1);
    task = std::move(is_refused ? state.refusal : state.task);
  }
  Output result;
  task(result);    // Without the lock: it may take long, and the client may leave meanwhile.
  task = nullptr;  // What it holds goes before the client learns that it is done.
  MutexLock lock(state.mutex);
  state.result = std::move(result);
  state.is_done = true;
  if (state.completion != nullptr) state.completion->Wake();
}

}  // namespace polyserve
