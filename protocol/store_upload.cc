#include "protocol/store_upload.h"

#include <utility>

#include "absl/status/status.h"

namespace polyserve {

namespace {

// Shared between the task that runs and the one that it appends.
struct Attempt {
  std::unique_ptr<Upload> upload;
  Upload::Condition condition;
  StoreReply reply;
  int tries = 0;
};

void Try(const std::shared_ptr<Attempt>& attempt, Output& output);

// Waits by Pause() rather than for the lock: a lock that is held by another process could stay so for ever, and a loop
// must not stand still for it. An error other than Unavailable is final. The task holds the upload, so it goes, and
// leaves nothing behind, if the conversation ends during a pause.
void Store(const std::shared_ptr<Attempt>& attempt, Output& output) {
  const absl::StatusOr<Upload::Stored> stored = attempt->upload->Store(attempt->condition);
  if (absl::IsUnavailable(stored.status()) && ++attempt->tries < kMaxStoreTries) {
    return output.Pause(kStorePause, [attempt](Output& result) { Try(attempt, result); });
  }
  attempt->reply(stored, *attempt->upload, output);
}

// Long work if the file has to get to the disk.
void Try(const std::shared_ptr<Attempt>& attempt, Output& output) {
  if (!attempt->upload->is_durable()) return Store(attempt, output);
  output.Work([attempt](Output& result) { Store(attempt, result); });
}

}  // namespace

void StoreUpload(std::unique_ptr<Upload> upload, Upload::Condition condition, StoreReply reply, Output& output) {
  Try(std::make_shared<Attempt>(Attempt{std::move(upload), std::move(condition), std::move(reply)}), output);
}

}  // namespace polyserve
