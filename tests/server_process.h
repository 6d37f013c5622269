// ServerProcess: the real server as a child process, and what can be seen of it from outside.
//
//   ServerProcess server({.flags = {"--model=fork", "--root=/srv"}});
//   Peer peer(server.address("echo"));
//   server.Signal(SIGTERM);
//   EXPECT_EQ(server.AwaitExit(), 0);
//
// What it and its children write to standard error is kept in a file, and printed if the test has failed. All waits end
// after kPatience. One thread.
//
//   starting ── "ready" ──▶ ready() ── Signal(SIGTERM), or a crash ──▶ AwaitExit(): has_exited()
//        └── ends before that: !ready(), has_exited()                         └▶ processes(): what it has left behind
#ifndef POLYSERVE_TESTS_SERVER_PROCESS_H_
#define POLYSERVE_TESTS_SERVER_PROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"

namespace polyserve {

class ServerProcess {
 public:
  struct Options {
    std::vector<std::string> flags;  // All of its command line.
    // Run in the child before the server is; async-signal-safe calls only, since the test may have threads.
    std::function<void()> before_exec = [] {};
    int input = -1;  // Its standard input, while it starts; -1: /dev/null.
    // Passed to it as a service manager does (LISTEN_FDS), with these names, which are separated by colons.
    std::vector<int> listeners = {};
    std::string listener_names = {};
    std::vector<std::string> environment = {};  // Further variables, as NAME=VALUE.
  };

  // Starts it, and waits until it has said that it is ready, or has ended: look at ready().
  explicit ServerProcess(const Options& options);
  // Kills all processes of it that are left, however deep: they inherit a setting in their environment, which finds
  // them even if their parents have gone.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // True if the server has said that it is ready, with its own process id.
  bool ready() const { return ready_; }
  pid_t pid() const { return pid_; }
  // Where it serves this ("echo", "echo+udp"), as "HOST:PORT"; "" if it does not.
  std::string address(absl::string_view service) const;
  // What it wrote to standard output until it was ready or had ended.
  const std::string& output() const { return output_; }
  // Closes the reading end of its standard output.
  void CloseOutput() { output_pipe_.reset(); }
  // All that was written to standard error so far.
  std::string log() const;

  // Sends the signal to the server's own process; does not wait.
  void Signal(int signal);
  // The same, and waits until it was delivered: a second one of the kind would otherwise merge with the first.
  void SignalAndAwaitDelivery(int signal);
  // Has it replaced by a new one (SIGUSR2), and waits until that is ready; AwaitSuccessor() only waits. False if it
  // does not get ready. From then on this object is about the new one, except for AwaitPredecessors().
  bool Upgrade();
  bool AwaitSuccessor();
  // Waits until all that were replaced have ended, and expects that the first has done so with status 0.
  void AwaitPredecessors();

  // Waits for the end. Returns the exit status; 128 + N if signal N ended it; -1 if it still runs after kPatience.
  // After an upgrade the test is not its parent, and does not learn of its status: 0.
  int AwaitExit();
  bool has_exited() const { return has_exited_; }

  // The server's own process, its children and theirs, as far as they live.
  std::vector<pid_t> processes() const;
  // Sums and maxima over all of them.
  size_t CountZombies() const;
  size_t CountDescriptors() const;
  int64_t PeakMemoryBytes() const;  // Of the largest.
  absl::Duration ProcessorTime() const;

 private:
  void Start(const Options& options);
  void AwaitReady();
  bool ReadOutputUntil(const std::function<bool()>& is_all);
  bool IsRunning(pid_t pid) const;

  const std::string setting_;  // What marks its processes in their environment.
  const std::string log_path_;
  pid_t pid_ = -1;
  UniqueFd output_pipe_;
  std::string output_;
  std::map<std::string, std::string, std::less<>> addresses_;
  bool ready_ = false;
  bool is_child_ = true;  // Of the test; not so after an upgrade.
  pid_t first_ = -1;      // The one that was, until it is waited for.
  std::vector<pid_t> predecessors_;
  bool has_exited_ = false;
  int exit_status_ = -1;
};

// Runs the server with these flags until it ends by itself: for --help, and for flags that it must refuse. The exit
// status is that of AwaitExit().
struct ServerRun {
  int exit_status;
  std::string output;
  std::string log;
};
ServerRun RunServer(const std::vector<std::string>& flags);

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_SERVER_PROCESS_H_
