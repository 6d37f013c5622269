#include "net/lifeline.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "net/deadline.h"
#include "net/signals.h"

namespace polyserve {

namespace {

std::atomic<int> g_listened{-1};  // The pipe that the handler looks at.

// The handler of SIGIO. It looks at the pipe rather than trusting the signal, because one signal may stand for several
// events, and because it is called once by hand. poll(2) and _exit(2) are async-signal-safe (signal-safety(7)).
void OnPipe(int) {
  const int saved_errno = errno;
  pollfd pipe = {g_listened.load(), POLLIN, 0};
  ::poll(&pipe, 1, 0);
  // poll(2) may report both: the byte, and that the server has died since. Its death counts for more.
  if ((pipe.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) ::_exit(1);  // The server is gone.
  if ((pipe.revents & POLLIN) != 0) Signals::RequestStop();              // The byte stays: it is meant for all.
  errno = saved_errno;
}

// Gives an end of a pipe an open file of its own. Which process the kernel signals is a property of the open file,
// which fork() shares: with the inherited one, each new descendant would take the signals away from the one before.
absl::Status OpenAnew(const std::string& path, UniqueFd& end, int mode) {
  UniqueFd own(::open(path.c_str(), mode | O_CLOEXEC | O_NONBLOCK));
  if (!own.ok()) return SysError("processes that end with the server need /proc: open /proc/self/fd");
  end = std::move(own);
  return absl::OkStatus();
}

// Has the kernel send this process the signal when something happens to the pipe. O_ASYNC comes last: from then on
// signals are sent, and they have to be the right ones, to the right process.
absl::Status SignalOn(const UniqueFd& end, int signal) {
  const bool done = ::fcntl(end.get(), F_SETOWN, ::getpid()) == 0 && ::fcntl(end.get(), F_SETSIG, signal) == 0 &&
                    ::fcntl(end.get(), F_SETFL, O_ASYNC | O_NONBLOCK) == 0;
  if (done) return absl::OkStatus();
  return SysError("processes that end with the server need signals of pipes: fcntl");
}

// Not blocking: a server that repeats a stop twenty times a second must not wait at a full pipe.
absl::Status MakePipe(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return SysError("pipe2");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Lifeline> Lifeline::Create() {
  Lifeline lifeline;
  lifeline.server_ = ::getpid();
  absl::Status status = MakePipe(lifeline.down_read_, lifeline.down_write_);
  status.Update(MakePipe(lifeline.up_read_, lifeline.up_write_));
  if (!status.ok()) return status;
  // Here, since what is done in each descendant costs it the pages of memory that it touches.
  lifeline.down_path_ = absl::StrCat("/proc/self/fd/", lifeline.down_read_.get());
  lifeline.up_path_ = absl::StrCat("/proc/self/fd/", lifeline.up_write_.get());
  return lifeline;
}

void Lifeline::HoldInDescendant(Kin kin) {
  if (!TryHold(kin).ok()) ::_exit(1);
}

absl::Status Lifeline::TryHold(Kin kin) {
  // The server's ends first: a descendant that kept the write end down would never see the server's death there, and
  // one that kept the read end up would keep an orphan from being killed.
  down_write_.reset();
  up_read_.reset();
  struct sigaction action = {};
  action.sa_handler = &OnPipe;
  ::sigaction(SIGIO, &action, nullptr);
  absl::Status status = OpenAnew(down_path_, down_read_, O_RDONLY);
  g_listened = down_read_.get();
  if (status.ok()) status = SignalOn(down_read_, SIGIO);
  if (status.ok() && kin == Kin::kOrphan) status = OpenAnew(up_path_, up_write_, O_WRONLY);
  if (status.ok() && kin == Kin::kOrphan) status = SignalOn(up_write_, SIGKILL);
  if (status.ok() && kin == Kin::kChild && ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) status = SysError("prctl");
  if (!status.ok()) return status;
  // PR_SET_PDEATHSIG is silent about a parent that died before the call; then this process has another parent already.
  if (kin == Kin::kChild && ::getppid() != server_) return absl::CancelledError("the server is gone");
  OnPipe(SIGIO);  // What happened before we listened.
  return absl::OkStatus();
}

// Each byte is an event of its own, for which the kernel sends SIGIO to every descendant again. No descendant reads, so
// the bytes stay for those that are still being forked.
void Lifeline::TellStop() { [[maybe_unused]] const ssize_t written = ::write(down_write_.get(), "", 1); }

bool Lifeline::AwaitAllGone(absl::Duration timeout) {
  // The server's own write end would keep end-of-file from coming.
  up_write_.reset();
  pollfd pipe = {up_read_.get(), POLLIN, 0};
  const Deadline deadline(timeout);
  int gone = 0;
  // No descendant ever writes to this pipe, so what wakes the wait is POLLHUP: the last write end was closed.
  while ((gone = ::poll(&pipe, 1, deadline.PollMilliseconds())) == 0 && !deadline.passed()) {
  }
  return gone == 1;
}

}  // namespace polyserve
