// Root: the directory whose files are served, the same one for all threads and processes of a server. It stays the same
// until Reopen() resolves its path again, after a symbolic link was switched to a new directory or the directory was
// recreated. The process that calls Reopen() opens the directory; the others get it from that process at their next
// request, so that no process is ahead of the others.
#ifndef POLYSERVE_FILES_ROOT_H_
#define POLYSERVE_FILES_ROOT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace polyserve {

// All calls from any thread.
class Root {
 public:
  // A relative path is one from the current directory of now, as the shell names it (PWD).
  static absl::StatusOr<std::unique_ptr<Root>> Open(const std::string& path);

  // Of a process that is started afresh: nothing is opened before the first use, after Share().
  static absl::StatusOr<std::unique_ptr<Root>> OfServer(const std::string& path);

  // Where it learns of a new root, and, if it was opened here, tells of it: how often the root was opened, and who has
  // it open (process and descriptor in one number). In memory that all processes of the server share, zero at first,
  // and that outlives it. Call it before there are other threads and processes.
  void Share(std::atomic<int64_t>& openings, std::atomic<int64_t>& holder);

  // The directory. Its number never changes, what is behind it may: use it for one call.
  int fd() const {
    if (openings_ != nullptr && opening_.load(std::memory_order_acquire) != openings_->load()) Follow();
    return fd_.get();
  }

  // Opens what the path leads to now, for all who share it. If that fails, the directory of before stays.
  absl::Status Reopen() const;

 private:
  Root(std::string path, UniqueFd fd, bool is_holder)
      : path_(std::move(path)), fd_(std::move(fd)), is_holder_(is_holder) {}

  void Follow() const;
  UniqueFd OpenAsHolder() const;
  absl::Status TakeOver(UniqueFd fd) const;

  const std::string path_;
  const UniqueFd fd_;
  const bool is_holder_;  // It was opened in this process, or one that this was forked from.
  std::atomic<int64_t>* openings_ = nullptr;
  std::atomic<int64_t>* holder_ = nullptr;
  mutable Mutex following_;                  // Only one thread follows.
  mutable std::atomic<int64_t> opening_{0};  // Which of the openings fd_ is of.
};

}  // namespace polyserve

#endif  // POLYSERVE_FILES_ROOT_H_
