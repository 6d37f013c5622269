#include "backends/connection/offload.h"

#include <fcntl.h>
#include <gflags/gflags.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "backends/connection/fairness.h"
#include "base/command_line.h"
#include "base/unique_fd.h"

DEFINE_int32(offload, 0,
             "event loops and rings: so many helper threads for each loop do the long work; 0: the loop does it");
DEFINE_bool(offload_files, false, "with --offload: they also read files that are not in memory yet from the disk");

namespace polyserve {

namespace {

constexpr int kMaxHelpers = 256;
constexpr int64_t kPieceBytes = 64 * 1024;

// Whether reading this byte would wait for a disk. Where the file system cannot say (EOPNOTSUPP), it would not.
bool IsCold(int fd, int64_t offset) {
  char byte = 0;
  iovec piece = {&byte, 1};
  return ::preadv2(fd, &piece, 1, offset, RWF_NOWAIT) < 0 && errno == EAGAIN;
}

// Has the kernel keep this part of a file in its page cache.
void Read(int fd, int64_t offset, int64_t length) {
  ::posix_fadvise(fd, offset, 2 * length, POSIX_FADV_WILLNEED);  // The disk goes on while this is sent.
  char piece[kPieceBytes];
  for (int64_t read = 0; read < length; read += kPieceBytes) {
    if (::pread(fd, piece, sizeof(piece), offset + read) <= 0) return;  // Whoever sends it will see why.
  }
}

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

void Offload::Errand::Work(Offload& helpers, Output& output, Wakeable& client) {
  job_ = helpers.Start(output.TakeWork(), client);
}

bool Offload::Errand::Read(Offload* helpers, const Output& output, Wakeable& client) {
  if (helpers == nullptr || std::exchange(has_read_, false)) return false;
  job_ = helpers->ReadAhead(output, client);
  has_read_ = job_ != nullptr;
  return has_read_;
}

bool Offload::Errand::Finish(Output& output) {
  if (!job_->is_done()) return false;
  if (output.empty()) output = job_->TakeResult();
  job_ = nullptr;
  return true;
}

absl::StatusOr<std::unique_ptr<Offload>> Offload::Create(const Options& options, WakeList& wakes) {
  if (options.helpers == 0) return nullptr;
  std::unique_ptr<Offload> offload(new Offload(options.reads_files, wakes));
  for (int i = 0; i < options.helpers; ++i) {
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

std::unique_ptr<Offload::Job> Offload::ReadAhead(const Output& output, Wakeable& client) {
  const Output::FileRange* const next = reads_files_ ? output.FirstFile() : nullptr;
  if (next == nullptr) return nullptr;
  const int64_t length = std::min(next->length, kBytesPerTurn);
  const int fd = next->file->get();
  if (!IsCold(fd, next->offset) && !IsCold(fd, next->offset + length - 1)) return nullptr;
  return Start([file = next->file, offset = next->offset, length](Output&) { Read(file->get(), offset, length); },
               client);
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

absl::StatusOr<Offload::Options> Offload::OptionsFromFlags() {
  if (absl::Status status = CheckFlagRange("offload", FLAGS_offload, 0, kMaxHelpers); !status.ok()) return status;
  if (FLAGS_offload_files && FLAGS_offload == 0) {
    return absl::InvalidArgumentError("--offload_files needs helpers; say how many with --offload=N");
  }
  return Options{.helpers = FLAGS_offload, .reads_files = FLAGS_offload_files};
}

}  // namespace polyserve
