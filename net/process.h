// Process: a child process as an object, and the ways to make one. After Python's multiprocessing.Process.
//
//   kFork         this process ─fork─▶ child                            a copy of all memory
//   kSpawn        this process ─fork, exec─▶ child                      a fresh image of the program; slow to start
//   kForkServer   this process ─exec, once─▶ fork server ─fork─▶ child  a copy of a small, fresh process
//
// The life of a child, as its parent sees it:
//
//   Start() ─▶ running ── exits or is killed ──▶ ended ── Join(), or a waitpid(-1) and NoteEnd() ──▶ reaped
//                IsAlive()                         SIGCHLD has come
//
// All calls belong to the main thread, unless a comment says otherwise. Destroying a Process neither ends nor reaps the
// child.
#ifndef POLYSERVE_NET_PROCESS_H_
#define POLYSERVE_NET_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

namespace polyserve {

// fork(2) for a single-threaded process: CHECKs that there is no other thread, since a lock held by one would stay
// locked in the child for ever. Returns 0 in the child, where the server's signals stay blocked until it calls
// Signals::InstallInWorker(). Unavailable: the system cannot create another process.
absl::StatusOr<pid_t> Fork();

// Runs the work in a forked child and returns its result: for checking, before the server is ready, what only a child
// can check. Also fails if no child can be created.
absl::Status TryInChild(absl::FunctionRef<absl::Status()> work);

// Exits a forked child (_exit(2)) without running the parent's exit handlers or destructors of static objects.
[[noreturn]] void ExitChild(int status);

// A wait status in words: "exited with status 1", "was killed by signal 9 (Killed)".
std::string DescribeExit(int wait_status);

class Process {
 public:
  enum class StartMethod {
    kFork,        // A copy of this process.
    kSpawn,       // A fresh image of this program; inherits only the descriptors passed to it.
    kForkServer,  // A copy of a fresh image that was started once; inherits nothing from this process, either.
  };

  // A child's main function; returns the exit status. It depends on nothing but descriptors and a text, so that a fresh
  // image can run it as well.
  using Entry = std::function<int(std::vector<UniqueFd> descriptors, absl::string_view argument)>;

  struct Options {
    std::string name;    // For logs.
    bool daemon = true;  // The child ends with the parent, even if that is killed (PR_SET_PDEATHSIG, SIGKILL).
    StartMethod start_method = StartMethod::kFork;
    // For kSpawn, as inetd(8) does: the first descriptor becomes the image's standard input and output, and is not
    // passed in another way, so the entry gets the others only.
    bool standard_io = false;
    // For kSpawn: arguments of the image, in front of those of this process.
    std::vector<std::string> arguments = {};
  };

  // Call first thing in main(), with its arguments: fresh images are started with the same ones.
  static void SetCommandLine(int argc, char** argv);
  // True in a fresh image, which should set itself up as far as Entry needs it, and call RunImage().
  static bool IsImage();
  // Runs the entry or the fork server that this image was started for. Call once.
  static int RunImage(const Entry& entry);

  // Starts the child. Call from the main thread: daemons end with the thread that started them (PR_SET_PDEATHSIG, see
  // prctl(2)). The child gets copies of the descriptors, in this order; the caller keeps its own. With kFork the entry
  // is called in the child at once; with the other methods the fresh image calls the one that it passes to RunImage().
  // Unavailable or ResourceExhausted: the system has no process or descriptor left now. With kForkServer this blocks
  // until the fork server has forked, and starts another fork server if that has died; Unavailable if it dies just now.
  static absl::StatusOr<Process> Start(const Options& options, const Entry& entry, const std::vector<int>& descriptors,
                                       const std::string& argument);
  // Starts the fork server, unless it is running. Start() does so on demand; an early call forks a smaller process. The
  // fork server sends this process a SIGCHLD when one of its children ends, as the kernel does for direct children.
  static absl::Status StartForkServer();
  // Checks that the system supports this start method, and has a process left for it now; for kForkServer also call
  // StartForkServer().
  static absl::Status Check(StartMethod start_method);
  // Ends the fork server, if it is running, and its daemons with it.
  static void StopForkServer();
  // Records that the fork server has ended and was reaped. False if this is not its pid.
  static bool NoteForkServerEnd(pid_t pid, int wait_status);

  Process(Process&&) = default;
  Process& operator=(Process&&) = default;

  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }
  // For a child of the fork server: readable once it has ended; see pidfd_open(2). -1 for a direct child, which
  // waitpid(2) reports.
  int pidfd() const { return pidfd_.get(); }
  // False once the child has ended, even if it was not reaped yet. Does not block.
  bool IsAlive() const;

  // Waits for the child to end, at most for this long, and reaps it. False if it is still running, or a signal arrived.
  // Logs any end other than an exit with status 0.
  bool Join(absl::Duration timeout);

  // Records the result of a waitpid() for any child, as Join() would. False if it is another child's.
  bool NoteEnd(pid_t pid, int wait_status);

  // Asks the child to finish (SIGTERM). A child that is just about to block does not notice: repeat until it has ended.
  void Terminate() const;

 private:
  static absl::StatusOr<Process> StartByForkServer(const Options& options, const std::vector<int>& descriptors,
                                                   const std::string& argument);

  Process(std::string name, pid_t pid, UniqueFd pidfd, bool own_child)
      : name_(std::move(name)), pid_(pid), pidfd_(std::move(pidfd)), own_child_(own_child) {}

  bool JoinOwn(absl::Duration timeout);

  std::string name_;
  pid_t pid_;
  UniqueFd pidfd_;
  bool own_child_;  // Reaped here; otherwise the fork server reaps it.
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_PROCESS_H_
