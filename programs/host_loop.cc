#include "programs/host_loop.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/logging.h"
#include "base/printable.h"
#include "base/sys_error.h"
#include "net/process.h"
#include "programs/host_request.h"
#include "programs/launch.h"

namespace polyserve {

namespace {

// Events beyond these are reported by the next call.
constexpr int kEventsPerTurn = 64;
constexpr int kParcelsPerTurn = 1024;
// What is read of one program's standard error in a turn, and what a line of it has in the log at most.
constexpr size_t kErrorBytes = 4096;
constexpr size_t kMaxLineBytes = 512;
constexpr int kMostPieces = 16;  // A pipe holds no more (pipe(7)).
// When no process serves any more, nobody hears what a program has to say.
constexpr absl::Duration kLastKillAfter = absl::Milliseconds(500);

// What an event is about: a program's pid and which of its descriptors, or one of the loop's own, which have no pid. By
// the pid and not by an address, since a program may be gone by the time its event is looked at.
enum Source : uint64_t { kRequests, kSignals, kStream, kErrors };

constexpr uint64_t TagOf(Source source, pid_t pid = 0) { return static_cast<uint64_t>(pid) << 2 | source; }
Source SourceOf(const epoll_event& event) { return static_cast<Source>(event.data.u64 & 3); }
pid_t PidOf(const epoll_event& event) { return static_cast<pid_t>(event.data.u64 >> 2); }

// What a program has not read; 0 if that is unknown.
int UnreadBytes(int stream) {
  int bytes = 0;
  return ::ioctl(stream, FIONREAD, &bytes) == 0 ? bytes : 0;
}

// To its whole process group, which is there a moment after the program.
void Signal(pid_t pid, int signal) {
  if (::kill(-pid, signal) != 0) ::kill(pid, signal);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HostLoop>> HostLoop::Create(int request_fd, HostOptions options) {
  sigset_t taken;
  ::sigemptyset(&taken);
  ::sigaddset(&taken, SIGCHLD);
  ::signal(SIGCHLD, SIG_DFL);  // If it were ignored, no child could be waited for (wait(2)).
  ::sigprocmask(SIG_BLOCK, &taken, nullptr);
  UniqueFd signals(::signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals.ok()) return SysError("signalfd");
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.ok()) return SysError("epoll_create1");
  std::unique_ptr<HostLoop> loop(new HostLoop(request_fd, std::move(options), std::move(epoll), std::move(signals)));
  if (::fcntl(request_fd, F_SETFL, O_NONBLOCK) != 0) return SysError("fcntl");
  absl::Status status = loop->Watch(request_fd, EPOLLIN, TagOf(kRequests));
  status.Update(loop->Watch(loop->signals_.get(), EPOLLIN, TagOf(kSignals)));
  if (!status.ok()) return status;
  return loop;
}

HostLoop::HostLoop(int request_fd, HostOptions options, UniqueFd epoll, UniqueFd signals)
    : request_fd_(request_fd),
      options_(std::move(options)),
      kill_after_at_stop_(std::min(options_.kill_after, options_.drain_timeout / 2)),
      epoll_(std::move(epoll)),
      signals_(std::move(signals)) {}

absl::Status HostLoop::Watch(int fd, uint32_t events, uint64_t tag) const {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = tag;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? absl::OkStatus() : SysError("epoll_ctl");
}

// Requests come behind the ends of programs, which make room for them, and before the ends of streams, of which the end
// of the input has to be known. One program is started in a turn: a burst of clients must not keep the others' programs
// from their ends.
absl::Status HostLoop::Run() {
  while (!is_over_ || !programs_.empty()) {
    epoll_event events[kEventsPerTurn];
    const int count = ::epoll_wait(epoll_.get(), events, kEventsPerTurn, Milliseconds());
    if (count < 0 && errno != EINTR) return SysError("epoll_wait");
    bool may_have_request = false;
    for (int i = 0; i < count; ++i) {
      const Source source = SourceOf(events[i]);
      if (source == kSignals) OnSignals();
      may_have_request = may_have_request || source == kRequests || source == kStream;
    }
    if (may_have_request && !is_over_) OnRequests();
    for (int i = 0; i < count; ++i) {
      const auto program = programs_.find(PidOf(events[i]));
      if (program == programs_.end()) continue;
      if (SourceOf(events[i]) == kStream) OnHangUp(program->first, program->second);
      if (SourceOf(events[i]) == kErrors) ReadErrors(program->first, program->second);
    }
    if (!waiting_.empty()) StartNext();
    LookAtClock();
  }
  return absl::OkStatus();
}

int HostLoop::Milliseconds() const {
  int left = -1;
  const auto note = [&left](const std::optional<Deadline>& deadline) {
    if (!deadline.has_value()) return;
    left = left < 0 ? deadline->PollMilliseconds() : std::min(left, deadline->PollMilliseconds());
  };
  if (!waiting_.empty()) return 0;
  note(stop_at_);
  for (const auto& [pid, program] : programs_) {
    note(program.tell_at);
    note(program.kill_at);
  }
  return left;
}

// All that there are, so that the socket does not fill up in a burst: who asks does not wait. A parcel that was lost
// for want of descriptors closes the client's connection: the kernel has closed what was in it.
void HostLoop::OnRequests() {
  for (int i = 0; i < kParcelsPerTurn; ++i) {
    absl::StatusOr<Parcel> parcel = ReceiveParcel(request_fd_);
    if (absl::IsUnavailable(parcel.status())) return;
    if (absl::IsCancelled(parcel.status())) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, request_fd_, nullptr);
      is_over_ = true;
      waiting_.clear();
      return TerminateAll(std::min(options_.kill_after, kLastKillAfter));
    }
    if (parcel.ok()) {
      OnRequest(*std::move(parcel));
    } else {
      NoteFailure(parcel.status());
    }
  }
}

void HostLoop::OnRequest(Parcel request) {
  absl::string_view text = request.text;
  if (absl::ConsumePrefix(&text, kStartRequest) && request.descriptors.size() == 1) {
    OnStart(text, std::move(request.descriptors[0]));
  } else if (absl::ConsumePrefix(&text, kEndRequest)) {
    OnInputEnd(text);
  } else if (text == kStopRequest && !stop_at_.has_value()) {
    stop_at_.emplace(options_.drain_timeout - kill_after_at_stop_);
  }
}

// Those that wait count as well, which bounds the descriptors of this process, too.
void HostLoop::OnStart(absl::string_view text, UniqueFd stream) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(' ', 2));
  size_t number = 0;
  uint64_t name = 0;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &number) || number >= options_.commands.size() ||
      !absl::SimpleAtoi(parts[1], &name)) {
    return;  // Our own never are.
  }
  if (programs_.size() + waiting_.size() < options_.max_programs) {
    waiting_.push_back({number, name, std::string(parts[2]), std::move(stream)});
    return;
  }
  options_.on_refusal();
  LOG_FLOOD(WARNING) << "a client is turned away: " << options_.max_programs << " programs run already (--exec_max)";
}

// Of a program that has ended meanwhile, nothing is found.
void HostLoop::OnInputEnd(absl::string_view text) {
  uint64_t name = 0;
  if (!absl::SimpleAtoi(text, &name)) return;
  for (Request& request : waiting_) request.has_input_end = request.has_input_end || request.name == name;
  for (auto& [pid, program] : programs_) program.has_input_end = program.has_input_end || program.name == name;
}

void HostLoop::StartNext() {
  Request request = std::move(waiting_.front());
  waiting_.pop_front();
  const absl::Status status = Start(std::move(request));
  if (!status.ok()) NoteFailure(status);
}

void HostLoop::NoteFailure(const absl::Status& status) const {
  options_.on_refusal();
  LOG_FLOOD(WARNING) << "a client's program cannot be started: " << status.message();
}

// Only the reading end of the pipe is non-blocking: the other one is the program's. The stream is watched for nothing
// but its end, which epoll(7) reports unasked.
absl::Status HostLoop::Start(Request request) {
  const std::vector<std::string>& words = options_.commands[request.number];
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return SysError("pipe2");
  UniqueFd errors(ends[0]);
  const UniqueFd program_end(ends[1]);
  if (::fcntl(errors.get(), F_SETFL, O_NONBLOCK) != 0) return SysError("fcntl");
  const absl::StatusOr<pid_t> pid = Launch(words, request.address, request.stream.get(), program_end.get());
  if (!pid.ok()) return pid.status();
  Running& program = programs_[*pid];
  program.path = words[0];
  program.name = request.name;
  program.stream = std::move(request.stream);
  program.has_input_end = request.has_input_end;
  program.errors = std::move(errors);
  absl::Status status = Watch(program.stream.get(), 0, TagOf(kStream, *pid));
  status.Update(Watch(program.errors.get(), EPOLLIN, TagOf(kErrors, *pid)));
  if (!status.ok()) Terminate(*pid, program, absl::ZeroDuration());  // It could not be ended any more.
  return status;
}

// Several may have been merged to one, so the children are looked at, not counted.
void HostLoop::OnSignals() {
  signalfd_siginfo signal;
  while (::read(signals_.get(), &signal, sizeof(signal)) == sizeof(signal)) continue;
  Reap();
}

// What the program has started, and left in its process group, ends with it. WNOWAIT: as long as it was not waited for,
// its number, and so that of the group, is its own.
void HostLoop::Reap() {
  while (true) {
    siginfo_t end = {};
    if (::waitid(P_ALL, 0, &end, WEXITED | WNOHANG | WNOWAIT) != 0 || end.si_pid == 0) return;
    ::kill(-end.si_pid, SIGKILL);
    int wait_status = 0;
    ::waitpid(end.si_pid, &wait_status, 0);
    const auto program = programs_.find(end.si_pid);
    if (program != programs_.end()) OnEnd(program, wait_status);
  }
}

// A program that ends because its client has left is not worth a line. Processes that it has started may still hold the
// socket, so that is shut down, not only closed, and taken from the epoll, which would keep it. What is in it can be
// read all the same.
void HostLoop::OnEnd(All::iterator program, int wait_status) {
  auto& [pid, running] = *program;
  for (int i = 0; i < kMostPieces && ReadErrors(pid, running); ++i) continue;
  if (!running.line.empty()) LogLineOf(pid, running);
  const bool is_left = WIFSIGNALED(wait_status) && (running.is_told || WTERMSIG(wait_status) == SIGPIPE);
  if (!is_left && (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)) {
    LOG_FLOOD(INFO) << running.path << " (pid " << pid << ") " << DescribeExit(wait_status);
  }
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, running.stream.get(), nullptr);
  ::shutdown(running.stream.get(), SHUT_RDWR);
  programs_.erase(program);
}

// The client has left; or it has said all, and so has the program, which then may read on, and end by itself.
void HostLoop::OnHangUp(pid_t pid, Running& program) {
  if (!program.has_input_end) return Terminate(pid, program, options_.kill_after);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, program.stream.get(), nullptr);  // It would be reported again.
  program.unread_bytes = UnreadBytes(program.stream.get());
  program.tell_at.emplace(options_.kill_after);
}

bool HostLoop::ReadErrors(pid_t pid, Running& program) {
  char piece[kErrorBytes];
  const ssize_t size = ::read(program.errors.get(), piece, sizeof(piece));
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) {
    // Its end would be reported again and again. The descriptor is closed with the program.
    if (size == 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, program.errors.get(), nullptr);
    return false;
  }
  for (const char c : absl::string_view(piece, static_cast<size_t>(size))) {
    if (c != '\n') program.line.push_back(c);
    if (c == '\n' || program.line.size() >= kMaxLineBytes) LogLineOf(pid, program);
  }
  return true;
}

void HostLoop::LogLineOf(pid_t pid, Running& program) {
  LOG_FLOOD(INFO) << program.path << " (pid " << pid << "): " << Printable(program.line);
  program.line.clear();
}

// A program that is told a second time is in a hurry only.
void HostLoop::Terminate(pid_t pid, Running& program, absl::Duration kill_after) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, program.stream.get(), nullptr);  // Its end would be reported again.
  program.tell_at.reset();
  if (!std::exchange(program.is_told, true)) Signal(pid, SIGTERM);
  if (!program.kill_at.has_value() || program.kill_at->Left() > kill_after) program.kill_at.emplace(kill_after);
}

void HostLoop::TerminateAll(absl::Duration kill_after) {
  for (auto& [pid, program] : programs_) Terminate(pid, program, kill_after);
}

void HostLoop::LookWhetherReadsOn(pid_t pid, Running& program) {
  const int before = std::exchange(program.unread_bytes, UnreadBytes(program.stream.get()));
  if (program.unread_bytes >= before) return Terminate(pid, program, options_.kill_after);
  program.tell_at.emplace(options_.kill_after);
}

// Once killed, it has no further deadline: SIGKILL cannot be ignored, and SIGCHLD follows.
void HostLoop::LookAtClock() {
  if (stop_at_.has_value() && stop_at_->passed()) {
    stop_at_.emplace(absl::InfiniteDuration());
    TerminateAll(kill_after_at_stop_);
  }
  for (auto& [pid, program] : programs_) {
    if (program.tell_at.has_value() && program.tell_at->passed()) LookWhetherReadsOn(pid, program);
    if (!program.kill_at.has_value() || !program.kill_at->passed()) continue;
    LOG_FLOOD(WARNING) << program.path << " (pid " << pid << ") has not ended after SIGTERM, and is killed";
    Signal(pid, SIGKILL);
    program.kill_at.emplace(absl::InfiniteDuration());
  }
}

}  // namespace polyserve
