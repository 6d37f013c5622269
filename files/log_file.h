// LogFile: lines that several threads and processes append to one file. One write(2) a line, with O_APPEND, so that
// lines do not mix. A line that cannot be written, to a full disk for example, is lost, and nobody waits for it.
//
//   LogFile log("/var/log/access.log");
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

// All calls from any thread. Processes that are forked after it was made share it.
class LogFile {
 public:
  explicit LogFile(std::string path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Opens it now, so that an error can be told. Without it, the first line does.
  absl::Status Open();

  // Appends a line, its end included. Where that fails, the server's log gets one warning, until Reopen().
  void Append(absl::string_view line);

  // Has the file opened anew by its name before the next line, by every process that shares it.
  void Reopen();

 private:
  struct Shared {  // Among processes.
    std::atomic<uint32_t> openings{1};
    std::atomic<bool> has_failed{false};
  };

  absl::Status OpenFor(uint32_t opening);
  void NoteFailure(const absl::Status& why);

  const std::string path_;
  Shared* const shared_;
  Mutex opening_;  // Only one opens.
  UniqueFd fd_ ABSL_GUARDED_BY(opening_);
  std::atomic<int> writable_{-1};        // What fd_ holds; its number stays the same, so that writers need no lock.
  std::atomic<uint32_t> opened_for_{0};  // Which of the openings fd_ is of.
};

}  // namespace polyserve

#endif  // POLYSERVE_FILES_LOG_FILE_H_
