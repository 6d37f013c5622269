// Process: a child process as an object, and the ways to make one. After Python's multiprocessing.Process.
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

// fork(), for this single-threaded program: CHECKs that there is no other thread, since a lock that one holds would
// stay locked in the child for ever. Returns 0 in the child, which gets none of the signals that are for the server
// until it has called Signals::InstallInWorker(). Unavailable: the system has no process left.
absl::StatusOr<pid_t> Fork();

// Runs the work in a forked child, which ends with it, and returns what it returned there: for trying, before the
// server is ready, what only a child can try. Errors: also if there can be no child.
absl::Status TryInChild(absl::FunctionRef<absl::Status()> work);

// Ends a forked child, without running what the parent has registered for its own end.
[[noreturn]] void ExitChild(int status);

// What waitpid() said, in words: "exited with status 1", "was killed by signal 9 (Killed)".
std::string DescribeExit(int wait_status);

class Process {
 public:
  enum class StartMethod {
    kFork,        // A copy of this process.
    kSpawn,       // A fresh image of this program; gets nothing but the descriptors it is handed.
    kForkServer,  // A copy of a fresh image that was started once: nothing of this process gets into it, either.
  };

  // What a child runs; its return value is the exit status. Being a function of descriptors and a text, it can be
  // handed to a fresh image as well.
  using Entry = std::function<int(std::vector<UniqueFd> descriptors, absl::string_view argument)>;

  struct Options {
    std::string name;    // For logs.
    bool daemon = true;  // The child ends with the parent, even where that is killed (PR_SET_PDEATHSIG, SIGKILL).
    StartMethod start_method = StartMethod::kFork;
  };

  // Says how this program was started; first thing in main(). A fresh image is started with the same arguments.
  static void SetCommandLine(int argc, char** argv);
  // True where this is such a fresh image: it should set itself up as far as Entry needs it, and call RunImage().
  static bool IsImage();
  // Runs what the image was started for (the entry, or the fork server). To be called once.
  static int RunImage(const Entry& entry);

  // Starts the child. Call from the main thread: daemons end with the thread that started them. The child owns
  // copies of the descriptors, in this order; the caller keeps its own.
  static absl::StatusOr<Process> Start(const Options& options, const Entry& entry, const std::vector<int>& descriptors,
                                       const std::string& argument);
  // Starts the fork server, unless it runs. Start() does it when it must; earlier is cheaper. It sends this process a
  // SIGCHLD for each of its children that has ended, as the kernel does for own ones.
  static absl::Status StartForkServer();
  // Whether the system has what this way to start children needs; for kForkServer beside StartForkServer().
  static absl::Status Check(StartMethod start_method);
  // Ends the fork server, if it runs, and its daemons with it.
  static void StopForkServer();
  // Takes note that the fork server has ended and was reaped. False if this is not its pid.
  static bool NoteForkServerEnd(pid_t pid, int wait_status);

  Process(Process&&) = default;
  Process& operator=(Process&&) = default;

  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }
  // Of a child of the fork server: readable once the process has ended; see pidfd_open(2). -1 for a child of our own,
  // of which waitpid(2) tells.
  int pidfd() const { return pidfd_.get(); }
  bool IsAlive() const;

  // Waits for the end, at most so long, and leaves no zombie. False if it still runs, or a signal came. Logs an end
  // that was not an exit with status 0.
  bool Join(absl::Duration timeout);

  // Takes note of an end that somebody's waitpid() for any child has met, as Join() would. False where it is another's.
  bool NoteEnd(pid_t pid, int wait_status);

  // Asks it to finish (SIGTERM). One that is just about to block does not notice: repeat until it has ended.
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
  bool own_child_;  // To be waited for here; else the fork server does it.
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_PROCESS_H_
