// Child: another program as a child process, and what it writes to standard output. For the self-test.
#ifndef POLYSERVE_CLIENT_LOAD_CHILD_H_
#define POLYSERVE_CLIENT_LOAD_CHILD_H_

#include <sched.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/deadline.h"

namespace polyserve {

class Child {
 public:
  // Starts the program, looked for in PATH, on these processors; without, on those of the caller. It reads nothing, its
  // standard error is thrown away, and it is killed with the caller. Only while there is a single thread.
  static absl::StatusOr<Child> Start(const std::vector<std::string>& command,
                                     const std::optional<cpu_set_t>& processors = std::nullopt);

  // Kills it, unless it has ended.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  pid_t pid() const { return pid_; }
  const std::string& output() const { return output_; }

  // Reads on until the output has this in it. DeadlineExceeded, Unavailable (it has ended): it has not.
  absl::Status AwaitOutput(absl::string_view text, absl::Duration patience);

  // Reads all of the output, waits for the end, and returns the exit status; 127: there is no such program. -1: a
  // signal ended it, or it had to be killed after so long.
  int Finish(absl::Duration patience);

 private:
  Child(pid_t pid, UniqueFd pipe);
  absl::Status ReadMore(const Deadline& deadline);

  pid_t pid_;
  UniqueFd pipe_;
  std::string output_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_CHILD_H_
