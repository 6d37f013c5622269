#include "backends/offload.h"

#include <gflags/gflags.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

DEFINE_int32(offload, 0, "event loops and rings: so many helper threads for each loop do the long work; 0: the loop does it");

namespace polyserve {

namespace {

constexpr int kMaxHelpers = 256;

}  // namespace

// Shared by the one who waits and the one who helps, whoever goes first.
struct Offload::Work {
  Mutex mutex;
  Output::Task task ABSL_GUARDED_BY(mutex);
  Output result ABSL_GUARDED_BY(mutex);
  bool is_done ABSL_GUARDED_BY(mutex) = false;
  Waker* client ABSL_GUARDED_BY(mutex) = nullptr;  // Null: nobody waits any more.
};

Offload::Job::Job(std::shared_ptr<Work> work, WakeList& wakes, Wakeable& client)
    : work_(std::move(work)), entry_(wakes, client) {
  MutexLock lock(work_->mutex);
  work_->client = &entry_;
}

Offload::Job::~Job() {
  MutexLock lock(work_->mutex);
  work_->client = nullptr;
}

bool Offload::Job::is_done() const {
  MutexLock lock(work_->mutex);
  return work_->is_done;
}

Output Offload::Job::TakeResult() {
  MutexLock lock(work_->mutex);
  return std::move(work_->result);
}

absl::StatusOr<std::unique_ptr<Offload>> Offload::Create(int helpers, WakeList& wakes) {
  if (helpers == 0) return nullptr;
  std::unique_ptr<Offload> offload(new Offload(wakes));
  for (int i = 0; i < helpers; ++i) {
    absl::Status status = offload->helpers_.Start([self = offload.get()] { self->Help(); });
    if (!status.ok()) return absl::Status(status.code(), absl::StrCat("--offload: ", status.message()));
  }
  return offload;
}

Offload::~Offload() {
  {
    MutexLock lock(mutex_);
    is_closed_ = true;
  }
  changed_.notify_all();
}

std::unique_ptr<Offload::Job> Offload::Start(Output::Task task, Wakeable& client) {
  auto work = std::make_shared<Work>();
  {
    MutexLock lock(work->mutex);
    work->task = std::move(task);
  }
  auto job = std::make_unique<Job>(work, wakes_, client);
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  return job;
}

// The next one in the queue; null: that was all.
std::shared_ptr<Offload::Work> Offload::Next() {
  MutexLock lock(mutex_);
  while (queue_.empty() && !is_closed_) changed_.wait(mutex_);
  if (is_closed_) return nullptr;
  std::shared_ptr<Work> work = std::move(queue_.front());
  queue_.pop_front();
  return work;
}

void Offload::Help() {
  while (const std::shared_ptr<Work> work = Next()) {
    Output::Task task;
    {
      MutexLock lock(work->mutex);
      if (work->client == nullptr) continue;
      task = std::move(work->task);
    }
    Output result;
    task(result);
    task = nullptr;  // What it holds goes before anybody is told that it is done.
    MutexLock lock(work->mutex);
    work->result = std::move(result);
    work->is_done = true;
    if (work->client != nullptr) work->client->Wake();
  }
}

absl::StatusOr<int> HelpersFromFlag() {
  if (FLAGS_offload >= 0 && FLAGS_offload <= kMaxHelpers) return FLAGS_offload;
  return absl::InvalidArgumentError(absl::StrCat("--offload=", FLAGS_offload, " is not from 0 to ", kMaxHelpers));
}

}  // namespace polyserve
