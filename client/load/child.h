// Child: another program as a child process, with its standard output captured. For the self-test.
//
// The program must not fill the pipe (64 KiB) while this side does not read: it would block. Reads happen only in the
// two calls below.
//
//   Start() ──▶ AwaitOutput("ready", ...) ──▶ Finish(): output(), the exit status
//          └── destroyed before that: SIGKILL
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

// Threads: one at a time. The kernel kills the program when the thread that started it ends (PR_SET_PDEATHSIG,
// prctl(2)): so start it in the main thread. Movable; a moved-from object owns nothing.
class Child {
 public:
  // Starts the program, found in PATH, on these processors, by default on the caller's. Its standard input is empty,
  // its standard error is discarded, and the kernel kills it if the caller dies. Call while there is a single thread.
  // Errors: those of pipe2(2) and fork(2); a program that cannot be executed shows in Finish() only.
  static absl::StatusOr<Child> Start(const std::vector<std::string>& command,
                                     const std::optional<cpu_set_t>& processors = std::nullopt);

  // Kills the program if it is still running.
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  pid_t pid() const { return pid_; }
  const std::string& output() const { return output_; }

  // Blocks until the output, from its beginning, contains `text`. Returns DeadlineExceeded after `patience`, and
  // Unavailable if the program ends first.
  absl::Status AwaitOutput(absl::string_view text, absl::Duration patience);

  // Reads the rest of the output, waits for the end, and returns the exit status: 127 if there is no such program, -1
  // if a signal ended it or it had to be killed after `patience`. Call once; pid() is -1 from then on.
  int Finish(absl::Duration patience);

 private:
  Child(pid_t pid, UniqueFd pipe);
  // Waits for output, and appends it. Returns DeadlineExceeded, or Unavailable at the end of the output.
  absl::Status ReadMore(const Deadline& deadline);

  pid_t pid_;  // -1: nothing to wait for.
  UniqueFd pipe_;
  std::string output_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_CHILD_H_
