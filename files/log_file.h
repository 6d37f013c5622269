// LogFile: a log that several threads and processes append to: a file, FIFO or device. Each line is one write(2) with
// O_APPEND, so that lines do not mix. A line that cannot be written at once, because the disk is full or a FIFO has no
// room, is dropped and counted: logging never blocks. A line that a full disk has cut short counts as lost as well, and
// the next one starts on a new line.
//
//   LogFile log("/var/log/access.log", health);
//   log.Open();                 Status: whether that is possible, without waiting for anything
//   log.Append("a line\n");
//   log.Reopen();               after the file was renamed: a new one is made under the old name
#ifndef POLYSERVE_FILES_LOG_FILE_H_
#define POLYSERVE_FILES_LOG_FILE_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/line_output.h"
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace polyserve {

// All calls from any thread; those of one process share a descriptor, and processes that share the counters share the
// file. Writers take no lock: the descriptor keeps its number for good, and only what is behind it changes.
class LogFile {
 public:
  // `health` outlives it.
  LogFile(std::string path, LogHealth& health);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Opens it now, so that an error can be reported at the start. Without this call the first line opens it.
  //   FailedPrecondition  it is a FIFO without a reader, a socket, a disk, or held by another process's lease
  //   others              what open(2) says, such as NotFound for a missing directory
  absl::Status Open();

  // Appends a line, its end included, of at most kMaxLogLineBytes. The server's log says that lines are lost, and how
  // many once there is room again; both at most once in ten seconds. Does not block, except for a file system that
  // hangs.
  void Append(absl::string_view line);

  // Has the file opened anew by its name before the next line, by every process that shares it: what logrotate(8) needs
  // after it has renamed the file. Until a process writes its next line, it keeps the renamed file open.
  void Reopen();

 private:
  absl::Status OpenFor(int64_t opening);
  void OpenAnew(int64_t opening);
  void InspectEnd(int64_t opening) const;
  void ReportLost();

  const std::string path_;
  LogHealth& health_;
  Mutex opening_;  // One thread opens at a time.
  UniqueFd fd_ ABSL_GUARDED_BY(opening_);
  std::atomic<int> writable_{-1};        // What fd_ holds; its number stays the same, so that writers need no lock.
  std::atomic<int64_t> opened_for_{-1};  // The number of the opening that fd_ comes from.
  std::atomic<int64_t> failed_for_{-1};  // The number of the opening that failed last,
  std::atomic<int64_t> failed_at_{0};    // and when; for IsTimeAgain().
};

}  // namespace polyserve

#endif  // POLYSERVE_FILES_LOG_FILE_H_
