// Root: the directory whose files are served, the same one for all threads and processes of a server. It stays the same
// until Reopen() resolves its path again, after a symbolic link was switched to a new directory or the directory was
// recreated. The process that calls Reopen() opens the directory; the others get it from that process at their next
// request, so that no process is ahead of the others.
//
//   holder:  Reopen() ─▶ open(path) ─▶ dup3 over fd_ ─▶ ++openings
//   others:  fd() ─▶ openings has changed? ─▶ Follow(): open /proc/HOLDER/fd/N ─▶ dup3 over their fd_
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

// All calls from any thread. None blocks longer than opening a directory takes.
class Root {
 public:
  // Opens the directory. A relative path starts at the current directory as it is now, under the name that the shell
  // has for it (PWD), so that Reopen() follows its symbolic links anew. Fails if it is not a readable directory.
  static absl::StatusOr<std::unique_ptr<Root>> Open(const std::string& path);

  // For a process that is started afresh by a server: opens nothing before the first use, which must come after
  // Share().
  static absl::StatusOr<std::unique_ptr<Root>> OfServer(const std::string& path);

  // Names the two numbers through which the processes of a server agree on a root: how often the root was opened, and
  // which process has it open under which descriptor (both in one number). They are in memory that all these processes
  // share, zero at first, and must outlive this object. Call it before there are other threads and processes.
  void Share(std::atomic<int64_t>& openings, std::atomic<int64_t>& holder);

  // The directory. The descriptor's number never changes, but what is behind it may (dup3(2)): use it for one call.
  // Costs two loads unless the root has changed.
  int fd() const {
    if (openings_ != nullptr && opening_.load(std::memory_order_acquire) != openings_->load()) Follow();
    return fd_.get();
  }

  // Opens what the path leads to now, for all processes that share it. If that fails, all keep the directory that they
  // have.
  absl::Status Reopen() const;

 private:
  Root(std::string path, UniqueFd fd, bool is_holder)
      : path_(std::move(path)), fd_(std::move(fd)), is_holder_(is_holder) {}

  // Gets the directory of the latest opening from the holder; on failure keeps the one that is there.
  void Follow() const;
  UniqueFd OpenAsHolder() const;
  absl::Status TakeOver(UniqueFd fd) const;

  const std::string path_;
  const UniqueFd fd_;
  const bool is_holder_;  // This process, or one that it was forked from, has opened it.
  std::atomic<int64_t>* openings_ = nullptr;
  std::atomic<int64_t>* holder_ = nullptr;
  mutable Mutex following_;                  // Only one thread follows.
  mutable std::atomic<int64_t> opening_{0};  // The number of the opening that fd_ comes from.
};

}  // namespace polyserve

#endif  // POLYSERVE_FILES_ROOT_H_
