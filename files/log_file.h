// LogFile: lines that several threads and processes append to one file. One write(2) a line, with O_APPEND, so that
// lines do not mix. A line that cannot be written, to a full disk for example, is lost, and nobody waits for it.
//
//   LogFile log("/var/log/access.log", openings, lost_lines);
//   log.Open();                 Status: whether that is possible
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
#include "base/mutex.h"
#include "base/unique_fd.h"

namespace polyserve {

// All calls from any thread. Processes that share the counters share the file.
class LogFile {
 public:
  // Both counters outlive it. `openings`: how often it was to be opened anew; `lost_lines`: how many could not be
  // written.
  LogFile(std::string path, std::atomic<int64_t>& openings, std::atomic<int64_t>& lost_lines);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Opens it now, so that an error can be told. Without it, the first line does.
  absl::Status Open();

  // Appends a line, its end included. The first one that is lost gets a warning in the server's log.
  void Append(absl::string_view line);

  // Has the file opened anew by its name before the next line, by every process that shares it.
  void Reopen();

 private:
  absl::Status OpenFor(int64_t opening);
  void NoteLoss(const absl::Status& why);

  const std::string path_;
  std::atomic<int64_t>& openings_;
  std::atomic<int64_t>& lost_lines_;
  Mutex opening_;  // Only one opens.
  UniqueFd fd_ ABSL_GUARDED_BY(opening_);
  std::atomic<int> writable_{-1};        // What fd_ holds; its number stays the same, so that writers need no lock.
  std::atomic<int64_t> opened_for_{-1};  // Which of the openings fd_ is of.
};

}  // namespace polyserve

#endif  // POLYSERVE_FILES_LOG_FILE_H_
