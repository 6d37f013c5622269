#include "net/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/deadline.h"
#include "net/fd_passing.h"
#include "net/signals.h"

namespace polyserve {

namespace {

// What a fresh image is started for: "<role> <parent's pid> <daemon> <fd,fd,...> <argument>".
constexpr char kImageVariable[] = "POLYSERVE_IMAGE";
constexpr absl::string_view kEntryRole = "entry";
constexpr absl::string_view kForkServerRole = "forkserver";

char** g_command_line = nullptr;
UniqueFd g_fork_server;  // The socket to it; requests and replies take turns.
pid_t g_fork_server_pid = -1;

// Holds back the signals that a child must not get before it has its own handlers; see Signals::HeldInNewProcess(). Not
// released by the destructor: in the child they stay blocked until Signals::InstallInWorker().
class SignalsHeld {
 public:
  SignalsHeld() {
    const sigset_t held = Signals::HeldInNewProcess();
    ::sigprocmask(SIG_BLOCK, &held, &before_);
  }
  void Release() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }  // In the parent.

 private:
  sigset_t before_;
};

// PIPE_BUF: a write of up to this size is atomic, so one read gets all of it (pipe(7)).
constexpr size_t kMaxTrialMessage = 4096;

// By its number, since glibc has no wrapper before 2.36.
int PidfdOpen(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

// In a child: asks to be killed when the parent's main thread ends. The parent may have ended just before, which the
// kernel does not report any more; then this process has another parent by now. fork(2) clears the setting and
// execve(2) keeps it (prctl(2)), so each child has to ask for itself, and only once.
void DieWithParent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
}

// This process's own, with the arguments behind the program's name. They must outlive the result.
std::vector<char*> CommandLineOfImage(std::vector<std::string>& arguments) {
  std::vector<char*> command_line = {g_command_line[0]};
  for (std::string& argument : arguments) command_line.push_back(argument.data());
  for (char** own = g_command_line + 1; *own != nullptr; ++own) command_line.push_back(*own);
  command_line.push_back(nullptr);
  return command_line;
}

// Starts a fresh image of this program, which keeps the descriptors under their numbers. /proc/self/exe is the file
// that this process runs, even if another one has taken its name since (an upgrade in place). posix_spawn(3) rather
// than fork() and exec(): it uses vfork semantics, so that no page of this process is copied, and it reports the error
// of exec here. The signal mask is inherited, so that the image starts with the signals held.
absl::StatusOr<pid_t> SpawnImage(absl::string_view role, const Process::Options& options,
                                 absl::Span<const int> descriptors, absl::string_view argument) {
  CHECK(g_command_line != nullptr) << "SetCommandLine() was not called";
  const absl::Span<const int> passed = descriptors.subspan(options.standard_io ? 1 : 0);
  std::string variable = absl::StrCat(kImageVariable, "=", role, " ", ::getpid(), " ", options.daemon ? 1 : 0, " ",
                                      absl::StrJoin(passed, ","), " ", argument);
  // In front: of two variables with one name, getenv(3) finds the first.
  std::vector<char*> variables = {variable.data()};
  for (char** other = environ; *other != nullptr; ++other) variables.push_back(*other);
  variables.push_back(nullptr);
  std::vector<std::string> arguments = options.arguments;
  const std::vector<char*> command_line = CommandLineOfImage(arguments);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  // Duplicating a descriptor onto itself means here: do not close it on exec (posix_spawn_file_actions_adddup2(3)).
  for (const int fd : passed) ::posix_spawn_file_actions_adddup2(&actions, fd, fd);
  if (options.standard_io) {
    ::posix_spawn_file_actions_adddup2(&actions, descriptors.front(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, descriptors.front(), STDOUT_FILENO);
  }
  pid_t pid = -1;
  SignalsHeld held;
  // The error is the result; posix_spawn(3) need not set errno.
  errno = ::posix_spawn(&pid, "/proc/self/exe", &actions, nullptr, command_line.data(), variables.data());
  const absl::Status status = errno == 0 ? absl::OkStatus() : SysError("posix_spawn /proc/self/exe");
  held.Release();
  ::posix_spawn_file_actions_destroy(&actions);
  if (!status.ok()) return status;
  return pid;
}

// Logs an end unless it is an exit with status 0.
void LogEnd(absl::string_view name, pid_t pid, int wait_status) {
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return;
  LOG_FLOOD(WARNING) << name << " (pid " << pid << ") " << DescribeExit(wait_status);
}

// One request to the fork server: "<daemon> <argument>" and the descriptors; the reply: the pid, and its pidfd, or "! "
// and the error. The child gets the mask from before SIGCHLD was blocked, and neither the socket nor the handler of it.
void ServeForkRequest(int socket, Parcel request, const Process::Entry& entry, const sigset_t& child_mask) {
  const pid_t server = ::getpid();
  const absl::StatusOr<pid_t> pid = Fork();
  // The client waits for a reply to each request, so it must get one whatever happens. That a reply cannot be sent
  // means that it is gone, which ReceiveParcel() will report.
  if (!pid.ok()) {
    SendParcel(socket, absl::StrCat("! ", pid.status().message()), {}).IgnoreError();
    return;
  }
  if (*pid == 0) {
    ::sigprocmask(SIG_SETMASK, &child_mask, nullptr);
    ::signal(SIGCHLD, SIG_DFL);
    ::close(socket);
    if (request.text[0] == '1') DieWithParent(server);
    ExitChild(entry(std::move(request.descriptors), absl::string_view(request.text).substr(2)));
  }
  const UniqueFd pidfd(PidfdOpen(*pid));  // Before it is waited for, so the number is still its own.
  if (pidfd.ok() && SendParcel(socket, absl::StrCat(*pid), {pidfd.get()}).ok()) return;
  ::kill(*pid, SIGKILL);  // No process would know of it.
  SendParcel(socket, "! the fork server has no descriptor left", {}).IgnoreError();
}

// The fork server: forks on request, and waits for what it has forked, until its client is gone. SIGCHLD is blocked
// except within ppoll(2): one that came between waitpid(2) and an ordinary poll(2) would be noticed only at the next
// request.
int RunForkServer(int socket, const Process::Entry& entry) {
  // They reach the whole group, but its client decides when it ends.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_IGN);
  ::signal(SIGCHLD, [](int) {});
  sigset_t child_ended, before;
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_ended, &before);  // Let through by ppoll() alone, so that none is missed.
  while (true) {
    int wait_status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
      LogEnd("child of the fork server", pid, wait_status);
      ::kill(::getppid(), SIGCHLD);  // The kernel signals only the parent, but the client keeps the account.
    }
    pollfd requests = {socket, POLLIN, 0};
    if (::ppoll(&requests, 1, nullptr, &before) <= 0) continue;
    absl::StatusOr<Parcel> request = ReceiveParcel(socket);
    // That request is lost, but not the connection: the next one may find room.
    if (absl::IsResourceExhausted(request.status())) {
      SendParcel(socket, "! the fork server has no descriptor left", {}).IgnoreError();
    } else if (!request.ok()) {
      return 0;
    } else {
      ServeForkRequest(socket, *std::move(request), entry, before);
    }
  }
}

}  // namespace

absl::StatusOr<pid_t> Fork() {
#if !defined(NDEBUG) && !defined(__SANITIZE_THREAD__)  // ThreadSanitizer has a thread of its own.
  struct stat threads;
  // Each thread is a directory, and each directory a link to the one above it; two links are there anyway.
  if (::stat("/proc/self/task", &threads) == 0) CHECK_LE(threads.st_nlink, 3u) << "fork() with several threads";
#endif
  SignalsHeld held;
  pid_t pid = ::fork();
  // A signal interrupts it where a supervisor decides about the call (seccomp_unotify(2)), as some containers have one.
  while (pid < 0 && errno == EINTR) pid = ::fork();
  const absl::Status status = pid < 0 ? SysError("fork") : absl::OkStatus();
  if (pid != 0) held.Release();
  if (!status.ok()) return status;
  return pid;
}

// The child reports "<code> <message>" through a pipe. The parent closes its own write end before it reads: if the
// child is killed, the read then returns 0 instead of waiting for ever, and the wait status has the reason.
absl::Status TryInChild(absl::FunctionRef<absl::Status()> work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return SysError("pipe2");
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const absl::StatusOr<pid_t> pid = Fork();
  if (!pid.ok()) return pid.status();
  if (*pid == 0) {
    const absl::Status status = work();
    const std::string result = absl::StrCat(static_cast<int>(status.code()), " ", status.message());
    ExitChild(::write(writer.get(), result.data(), result.size()) > 0 ? 0 : 1);
  }
  writer.reset();
  char result[kMaxTrialMessage];
  ssize_t size = 0;
  while ((size = ::read(reader.get(), result, sizeof(result))) < 0 && errno == EINTR) {
  }
  // Waited for in any case, so that no zombie is left, whatever the pipe said.
  int wait_status = 0;
  while (::waitpid(*pid, &wait_status, 0) < 0 && errno == EINTR) {
  }
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(result, size > 0 ? static_cast<size_t>(size) : 0), absl::MaxSplits(' ', 1));
  int code = 0;
  if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &code)) {
    return absl::Status(static_cast<absl::StatusCode>(code), parts[1]);
  }
  return absl::InternalError(absl::StrCat("a child process, made to try what it needs, ", DescribeExit(wait_status)));
}

// Not exit(3): the parent's atexit handlers and buffered output are in the child's copy of its memory, too, and would
// run and be written twice.
void ExitChild(int status) { ::_exit(status); }

// No third case: waitpid(2) reports a stopped child only if it is asked to (WUNTRACED).
std::string DescribeExit(int wait_status) {
  if (WIFEXITED(wait_status)) return absl::StrCat("exited with status ", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return absl::StrCat("was killed by signal ", signal, " (", ::strsignal(signal), ")");
}

void Process::SetCommandLine(int, char** argv) { g_command_line = argv; }

bool Process::IsImage() { return std::getenv(kImageVariable) != nullptr; }

// The task is in the environment, since the command line is the user's: ps(1) shows it, and a fresh image parses it
// again. The variable is removed at once, or a program that this one starts would take itself for such an image. The
// argument comes last and may hold anything, hence the limit on the splits.
int Process::RunImage(const Entry& entry) {
  const std::string task = std::getenv(kImageVariable);
  ::unsetenv(kImageVariable);
  const std::vector<std::string> parts = absl::StrSplit(task, absl::MaxSplits(' ', 4));
  int parent = 0;
  if (parts.size() != 5 || !absl::SimpleAtoi(parts[1], &parent)) {
    LOG(ERROR) << kImageVariable << " is for children of this program only: take it out of the environment";
    return 1;
  }
  if (parts[2] == "1") DieWithParent(parent);
  std::vector<UniqueFd> descriptors;
  for (absl::string_view number : absl::StrSplit(parts[3], ',', absl::SkipEmpty())) {
    int fd = -1;
    if (!absl::SimpleAtoi(number, &fd)) return 1;
    // They had to survive the exec that started this image; they must not survive the next one.
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    descriptors.emplace_back(fd);
  }
  if (parts[0] == kForkServerRole) return RunForkServer(descriptors.at(0).get(), entry);
  return entry(std::move(descriptors), parts[4]);
}

// Forking is tried for real, since a limit on processes (RLIMIT_NPROC, a cgroup) shows only there. The others need
// /proc for the program's own file, and the fork server a pidfd to report a child that is not this process's.
absl::Status Process::Check(StartMethod start_method) {
  if (start_method != StartMethod::kFork && ::access("/proc/self/exe", X_OK) != 0) {
    return SysError("a fresh image of the program needs /proc: /proc/self/exe");
  }
  // A fork on trial: a limit on processes (RLIMIT_NPROC) has to show before the server is ready. A fork server, which
  // comes next, meets it itself.
  if (start_method != StartMethod::kForkServer) return TryInChild([] { return absl::OkStatus(); });
  const UniqueFd own(PidfdOpen(::getpid()));
  if (!own.ok()) return SysError("a fork server needs Linux 5.3 (--start_method=fork does not): pidfd_open");
  return absl::OkStatus();
}

// A daemon in any case: it must end with its client, even one that is killed. Beside standard input, output and error
// it inherits only its socket, so it holds no listener or client open. The other end is closed here when `sockets`
// goes: only then does the server notice the death of the fork server as the end of the socket.
absl::Status Process::StartForkServer() {
  if (g_fork_server.ok()) return absl::OkStatus();
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> sockets = MakeParcelSockets();
  if (!sockets.ok()) return sockets.status();
  const absl::StatusOr<pid_t> pid = SpawnImage(kForkServerRole, {.name = "fork server"}, {sockets->second.get()}, "");
  if (!pid.ok()) return pid.status();
  g_fork_server = std::move(sockets->first);
  g_fork_server_pid = *pid;
  return absl::OkStatus();
}

// Closing the socket is the request: the fork server reads end-of-file, and exits.
void Process::StopForkServer() {
  if (!g_fork_server.ok()) return;
  g_fork_server.reset();  // It exits when its client is gone.
  int wait_status = 0;
  const pid_t pid = g_fork_server_pid;
  if (pid > 0 && ::waitpid(pid, &wait_status, 0) > 0) NoteForkServerEnd(pid, wait_status);
}

// The socket stays open: the next request finds it broken, and StartByForkServer() then starts another fork server.
bool Process::NoteForkServerEnd(pid_t pid, int wait_status) {
  if (pid != g_fork_server_pid) return false;
  g_fork_server_pid = -1;
  LogEnd("the fork server", pid, wait_status);
  return true;
}

// Two attempts: the first may find that the fork server was killed since the last child. Its daemons died with it, so
// starting another one loses nothing more. Requests and replies take turns on the socket, hence one thread.
// A fork server that has read the request may have made the child, which may have begun to serve: no other one is made
// in its place. The kernel tells the two apart: the reader's end is a reset if it left something unread.
absl::StatusOr<Process> Process::StartByForkServer(const Options& options, const std::vector<int>& descriptors,
                                                   const std::string& argument) {
  absl::StatusOr<Parcel> reply = absl::UnavailableError("the fork server does not run");
  for (int attempt = 0; attempt < 2 && !reply.ok(); ++attempt) {
    // If no descriptor were left for the reply, the child would run without our knowing it. So ask for one first, and
    // give it back just before the reply needs it.
    UniqueFd place(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!place.ok()) return SysError("open");
    absl::Status status = StartForkServer();
    if (!status.ok()) return status;
    status = SendParcel(g_fork_server.get(), absl::StrCat(options.daemon ? "1 " : "0 ", argument), descriptors);
    place.reset();
    if (status.ok()) reply = ReceiveParcel(g_fork_server.get());
    // The fork server is alive, and has forked, but the pidfd did not get through: another try would make a second
    // child.
    if (absl::IsResourceExhausted(reply.status())) return reply.status();
    if (!status.ok() || !reply.ok()) StopForkServer();  // It has died, and its children with it: start another.
    if (absl::IsCancelled(reply.status())) return absl::UnavailableError("the fork server died as it made the child");
  }
  if (!reply.ok()) return reply.status();
  pid_t pid = -1;
  if (!absl::SimpleAtoi(reply->text, &pid)) return absl::UnavailableError(reply->text);
  return Process(options.name, pid, std::move(reply->descriptors.at(0)), false);
}

absl::StatusOr<Process> Process::Start(const Options& options, const Entry& entry, const std::vector<int>& descriptors,
                                       const std::string& argument) {
  if (options.start_method == StartMethod::kForkServer) return StartByForkServer(options, descriptors, argument);
  const pid_t parent = ::getpid();
  const absl::StatusOr<pid_t> pid =
      options.start_method == StartMethod::kSpawn ? SpawnImage(kEntryRole, options, descriptors, argument) : Fork();
  if (!pid.ok()) return pid.status();
  if (*pid == 0) {
    if (options.daemon) DieWithParent(parent);
    // The child is a copy, so it owns copies of them already, under the same numbers.
    ExitChild(entry(std::vector<UniqueFd>(descriptors.begin(), descriptors.end()), argument));
  }
  return Process(options.name, *pid, UniqueFd(), true);
}

// WNOWAIT leaves a child that has ended in its place, so that Join() still gets its status.
bool Process::IsAlive() const {
  if (own_child_) {
    // si_pid is 0 unless a child has ended (waitid(2)); it was cleared here for systems that leave it alone.
    siginfo_t end = {};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) == 0 && end.si_pid == 0;
  }
  // A pidfd is readable once its process has ended, even before it is reaped (pidfd_open(2)).
  pollfd end = {pidfd_.get(), POLLIN, 0};
  return pidfd_.ok() && ::poll(&end, 1, 0) == 0;
}

bool Process::Join(absl::Duration timeout) {
  if (own_child_) return JoinOwn(timeout);
  pollfd end = {pidfd_.get(), POLLIN, 0};
  const Deadline deadline(timeout);
  int ended = 0;
  while (pidfd_.ok() && (ended = ::poll(&end, 1, deadline.PollMilliseconds())) == 0 && !deadline.passed()) {
  }
  return !pidfd_.ok() || ended > 0;
}

// waitpid(2) has no time-out, so a finite time is waited for in pieces. (pidfd_open(2) and poll(2) would do, at the
// cost of a descriptor for each child.)
bool Process::JoinOwn(absl::Duration timeout) {
  const bool is_forever = timeout == absl::InfiniteDuration();
  const Deadline deadline(timeout);
  while (true) {
    int wait_status = 0;
    const pid_t pid = ::waitpid(pid_, &wait_status, is_forever ? 0 : WNOHANG);
    if (pid == pid_) NoteEnd(pid_, wait_status);
    if (pid < 0 && errno == ECHILD) own_child_ = false;  // It was reaped elsewhere.
    if (!own_child_) return true;
    // Without a time-out this is a waitpid(2) that a signal has interrupted: the caller looks at why, and may call
    // again.
    if (is_forever || deadline.passed()) return false;
    ::poll(nullptr, 0, 1);
  }
}

bool Process::NoteEnd(pid_t pid, int wait_status) {
  if (pid != pid_ || !own_child_) return false;
  own_child_ = false;
  LogEnd(name_, pid_, wait_status);
  return true;
}

void Process::Terminate() const {
  if (own_child_) ::kill(pid_, SIGTERM);  // It was not reaped, so the number is still its own.
  if (!own_child_ && pidfd_.ok()) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGTERM, nullptr, 0);
}

}  // namespace polyserve
