#include "room/hub.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "net/deadline.h"
#include "net/fd_passing.h"
#include "room/console.h"
#include "room/hub_loop.h"
#include "room/hub_wire.h"
#include "room/local_room.h"

namespace polyserve {

namespace {

// A hub that dies at once, for lack of memory for example, must not keep a processor busy by being replaced.
constexpr absl::Duration kPauseBeforeRestart = absl::Milliseconds(100);
// Asks the keeper to end the hub, whatever state that is in. One that no user sends to all processes of a server at
// once, as SIGUSR2.
constexpr int kEnd = SIGURG;

// What the keeper and the hub have in common. The descriptors are inherited: all of this runs in forked children.
struct Setting {
  const std::string& admin_name;
  RoomLimits limits;
  const RoomLinkMaker& make_link;
  int input;
  int join_fd;
  pid_t server;
  pid_t keeper = ::getpid();
};

// A Ctrl-C or a hang-up reaches the whole process group, but the server decides when the hub ends. SIGCHLD must not be
// ignored with the others: then no child could be waited for (wait(2)).
void IgnoreSignals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) ::signal(signal, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
}

// What the hub runs. Writes a byte once it is there, if `there` is a descriptor: the server starts to listen only then.
// The pidfd of the server ends the loop if the server ends while other processes still hold the join_fd. The console's
// thread is started here, in a process that never forks.
int RunHub(const Setting& setting, UniqueFd there) {
  ::prctl(PR_SET_NAME, "chat hub");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // With its keeper, and so with the server, even if all of them are stopped.
  // The keeper may have died before the line above; then no signal will come.
  if (::getppid() != setting.keeper) return 1;
  ::signal(kEnd, SIG_IGN);
  // The loop's epoll can watch a pidfd, which unlike a pid never comes to mean another process (pidfd_open(2)).
  UniqueFd server(static_cast<int>(::syscall(SYS_pidfd_open, setting.server, 0)));
  if (!server.ok() && errno == ESRCH) return 0;  // It has ended already.
  if (!server.ok()) {
    LOG(ERROR) << "the chat room's hub has failed: " << SysError("pidfd_open").message();
    return 1;
  }
  LocalRoom room(setting.admin_name, setting.limits);
  // Before the loop, and so destroyed behind it: the members that leave with that are told to the other servers.
  absl::StatusOr<std::unique_ptr<RoomLink>> link = nullptr;
  if (setting.make_link != nullptr) link = setting.make_link(room);
  absl::StatusOr<std::unique_ptr<HubLoop>> loop = HubLoop::Create(setting.join_fd, std::move(server), room);
  absl::Status status = link.ok() ? loop.status() : link.status();
  if (status.ok()) {
    const auto take = [&room](absl::string_view line) { room.TakeOperatorLine(line); };
    const absl::StatusOr<std::unique_ptr<Console>> op = Console::Start(setting.input, take);
    [[maybe_unused]] const ssize_t written = op.ok() ? ::write(there.get(), "", 1) : 0;
    there.reset();
    status = op.ok() ? (*loop)->Run() : op.status();
  }
  if (!status.ok()) LOG(ERROR) << "the chat room's hub has failed: " << status.message();
  return status.ok() ? 0 : 1;
}

// What the keeper runs: starts the hub, and another one whenever that has been killed. The keeper holds nothing of the
// room, and has one thread, so it may fork at any time. Its signals are blocked and taken by sigwaitinfo(2): no
// handler, and no moment in which one could come unnoticed between a look and a wait.
class Keeper {
 public:
  // Its first hub reports through `there` that it runs.
  Keeper(const Setting& setting, UniqueFd there) : setting_(setting), there_(std::move(there)) {
    ::prctl(PR_SET_NAME, "chat keeper");
    IgnoreSignals();
    ::sigemptyset(&awaited_);
    for (const int signal : {SIGCHLD, kEnd}) ::sigaddset(&awaited_, signal);
    ::sigprocmask(SIG_BLOCK, &awaited_, nullptr);
  }

  int Run() {
    while (::getppid() == setting_.server) {
      const absl::StatusOr<pid_t> hub = Fork();
      if (hub.ok() && *hub == 0) ExitChild(RunHub(setting_, std::move(there_)));
      // The keeper's own copy must go: with it, the server would wait for ever for the byte of a hub that has died.
      there_.reset();
      if (!hub.ok()) LOG_EVERY_T(WARNING, 10) << "the chat room's hub cannot be started: " << hub.status().message();
      if (hub.ok() && !AwaitEnd(*hub)) return 0;
      if (!Pause()) return 0;
    }
    return 0;
  }

 private:
  // Waits for the hub to end. False if it is not to be replaced: it has ended by itself, or the server ends it.
  bool AwaitEnd(pid_t hub) {
    int status = 0;
    while (::waitpid(hub, &status, WNOHANG) == 0) {
      if (AwaitSignal(absl::InfiniteDuration()) != kEnd) continue;
      // It was not waited for, so the number is still its own. SIGKILL ends a process that is stopped, too.
      ::kill(hub, SIGKILL);
      ::waitpid(hub, &status, 0);
      return false;
    }
    // Status 0 means that the server, or the last process that could bring a member, is gone.
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return false;
    LOG(WARNING) << "the chat room's hub (pid " << hub << ") " << DescribeExit(status)
                 << "; its members are disconnected, and another hub is started";
    return true;
  }

  // Lets a moment pass, so that a hub that ends at once is not started in a spin. False: the server ends the room. The
  // SIGCHLD of a hub that ended before it was first waited for is still pending, and must not cut the pause short.
  bool Pause() const {
    for (const Deadline end(kPauseBeforeRestart); !end.passed();) {
      if (AwaitSignal(end.Left()) == kEnd) return false;
    }
    return true;
  }

  // The signal, or -1 if the time is over or another signal came.
  int AwaitSignal(absl::Duration at_most) const {
    if (at_most == absl::InfiniteDuration()) return ::sigwaitinfo(&awaited_, nullptr);
    const timespec timeout = absl::ToTimespec(at_most);
    return ::sigtimedwait(&awaited_, nullptr, &timeout);
  }

  const Setting setting_;
  UniqueFd there_;
  sigset_t awaited_;
};

}  // namespace

// Returns only when the hub runs, or has failed: a server that says that it is ready must have a room. The read ends
// with 0 if all copies of the write end are closed without a byte, that is, if the hub has ended.
absl::StatusOr<std::unique_ptr<Hub>> Hub::Start(const std::string& admin_name, const RoomLimits& limits, int input,
                                                const std::function<void()>& in_keeper,
                                                const RoomLinkMaker& make_link) {
  absl::StatusOr<std::pair<UniqueFd, UniqueFd>> ends = MakeParcelSockets();
  if (!ends.ok()) return ends.status();
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return SysError("pipe2");
  const UniqueFd is_there(pipe[0]);
  UniqueFd there(pipe[1]);
  // The pipe and the pid are taken along by the fork; the entry refers to them in the copy of this stack.
  const int server_end = ends->first.get();
  const pid_t server = ::getpid();
  const Process::Entry entry = [&](std::vector<UniqueFd> descriptors, absl::string_view) {
    ::close(server_end);  // Else the hub would keep itself alive.
    in_keeper();
    return Keeper({admin_name, limits, make_link, input, descriptors[0].get(), server}, std::move(there)).Run();
  };
  absl::StatusOr<Process> process =
      Process::Start({.name = "the keeper of the chat room's hub", .daemon = true}, entry, {ends->second.get()}, "");
  if (!process.ok()) return process.status();
  there.reset();
  char byte = 0;
  ssize_t count = 0;
  do {
    count = ::read(is_there.get(), &byte, 1);
  } while (count < 0 && errno == EINTR);
  if (count != 1) {
    process->Join(kHubPatience);
    return absl::UnavailableError("the chat room's hub cannot be started; the log says why");
  }
  return std::unique_ptr<Hub>(new Hub(*std::move(process), std::move(ends->first)));
}

// In three steps: the hub ends by itself once the last copy of the join_fd is closed; if not, the keeper gets the
// signal to kill it (SIGKILL alone ends a process that is stopped); if the keeper is stopped as well, PR_SET_PDEATHSIG
// ends both with this process.
Hub::~Hub() {
  join_fd_.reset();
  if (process_.Join(kHubPatience)) return;
  ::kill(process_.pid(), kEnd);
  process_.Join(kHubPatience);
}

}  // namespace polyserve
