#include "tools/faulting/shim/fault.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/next_call.h"

namespace faulting {

namespace {

using polyserve::NextCall;

constexpr const char* kCallNames[] = {
    "accept",
    "bind",
    "close",
    "connect",
    "dup",
    "epoll_create",
    "epoll_ctl",
    "epoll_wait",
    "eventfd",
    "fdopendir",
    "flock",
    "fork",
    "fstat",
    "fstatat",
    "fstatvfs",
    "fsync",
    "ftruncate",
    "getpeername",
    "getsockname",
    "getsockopt",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "linkat",
    "listen",
    "lock",
    "memfd_create",
    "mkdirat",
    "mmap",
    "open",
    "openat",
    "openat2",
    "pidfd_open",
    "pipe",
    "poll",
    "posix_fallocate",
    "posix_spawn",
    "pthread_create",
    "read",
    "readdir",
    "receive",
    "renameat",
    "select",
    "send",
    "sendfile",
    "setsockopt",
    "shutdown",
    "sigwait",
    "socket",
    "socketpair",
    "unlinkat",
    "wait",
    "write",
};
static_assert(std::size(kCallNames) == kCalls && kCalls <= kMaxCalls);

// The system's own calls, past all functions that a library could have replaced, this one included.
const NextCall<"syscall", decltype(::syscall)> next_syscall;

Plan* g_plan = nullptr;

// When this process began, and as which in that time.
uint32_t g_born_sequence = 0, g_born_as = 0;

// The file is named by POLYSERVE_FAULTS. Without one, nothing is counted and nothing fails.
__attribute__((constructor)) void Begin() {
  const char* path = std::getenv("POLYSERVE_FAULTS");
  if (path == nullptr) return;
  const long fd = next_syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) std::abort();
  const long place = next_syscall(SYS_mmap, nullptr, sizeof(Plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
  next_syscall(SYS_close, fd);
  if (place == -1) std::abort();
  g_plan = reinterpret_cast<Plan*>(place);  // NOLINT(performance-no-int-to-ptr): as the system returns it.
  for (uint32_t call = 0; call < kCalls; ++call) std::strncpy(g_plan->names[call], kCallNames[call], kNameBytes - 1);
  Enroll();
  if (g_plan->traps_rings != 0) WatchRings();
}

uint32_t Role(const Plan& plan) {
  const auto within = [](uint32_t begin, uint32_t end) { return begin + std::min(g_born_as, end - begin - 1); };
  if (g_born_sequence == plan.sequence.load()) return within(kBornNow, kRoles);
  return g_born_sequence == 1 ? within(0, kBornLater) : within(kBornLater, kBornNow);
}

Kind KindOfSocket(int fd) {
  int type = 0;
  socklen_t size = sizeof(type);
  next_syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &size);
  return type == SOCK_STREAM ? Kind::kStream : Kind::kDatagram;
}

Kind KindOf(int fd) {
  if (fd < 0) return Kind::kNone;
  struct stat info = {};
  if (next_syscall(SYS_newfstatat, fd, "", &info, AT_EMPTY_PATH) != 0) return Kind::kOther;
  if (S_ISSOCK(info.st_mode)) return KindOfSocket(fd);
  if (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) return Kind::kFile;
  return S_ISFIFO(info.st_mode) ? Kind::kPipe : Kind::kOther;
}

bool MayWait(const Question& question) {
  if (!question.may_wait) return false;
  if (question.fd < 0) return true;
  const long flags = next_syscall(SYS_fcntl, question.fd, F_GETFL);
  return flags < 0 || (flags & O_NONBLOCK) == 0;
}

// By EAGAIN these do not say that they would have to wait.
bool FailsByEagain(Call call) {
  switch (call) {
    case Call::kConnect:
    case Call::kFlock:
    case Call::kFork:
    case Call::kIoUringEnter:
    case Call::kLock:
    case Call::kMmap:
    case Call::kOpenat2:
    case Call::kPosixSpawn:
    case Call::kPthreadCreate:
      return true;
    default:
      return false;
  }
}

// A signal ends only a call that waits (signal(7)). A message of a pipe that fits is written and read as a whole
// (pipe(7)), and an eventfd's eight bytes always.
bool Applies(uint32_t action, Call call, Kind kind, uint32_t mode) {
  if (action == EINTR) return (mode & kMayWait) != 0;
  if (action == EAGAIN) return FailsByEagain(call) || (mode & kMayNotWait) != 0;
  if (action == kShort) return (mode & kLarge) != 0 && (kind == Kind::kFile || kind == Kind::kStream);
  return true;
}

Answer AnswerOf(uint32_t action) {
  switch (action) {
    case kShort:
      return {Answer::Verb::kShort};
    case kDie:
      next_syscall(SYS_exit_group, 3);
      return {};
    case kLeak:
      next_syscall(SYS_dup, STDIN_FILENO);
      return {};
    case kPretend:
      return {Answer::Verb::kPretend};
    case kStall:
      while (true) next_syscall(SYS_ppoll, nullptr, 0L, nullptr, nullptr, 0L);
    default:
      return {Answer::Verb::kFail, static_cast<int>(action)};
  }
}

Answer Count(Plan& plan, Call call, const Question& question) {
  const Kind kind = KindOf(question.fd);
  const uint32_t role = Role(plan), place = static_cast<uint32_t>(call);
  const uint32_t mode = (MayWait(question) ? kMayWait : kMayNotWait) | (question.is_large ? kLarge : 0);
  plan.modes[place][static_cast<uint32_t>(kind)] |= mode;
  const uint32_t count = ++plan.counts[role][place][static_cast<uint32_t>(kind)];
  const bool is_it = plan.occurrence != 0 && count >= plan.occurrence && role == plan.role && place == plan.call &&
                     static_cast<uint32_t>(kind) == plan.kind && Applies(plan.action, call, kind, mode);
  return is_it && plan.fired++ == 0 ? AnswerOf(plan.action) : Answer();
}

}  // namespace

Answer Decide(Call call, const Question& question) {
  if (g_plan == nullptr || g_plan->phase == 0) return {};
  const int error = errno;
  const Answer answer = Count(*g_plan, call, question);
  errno = error;
  return answer;
}

void Enroll() {
  if (g_plan == nullptr) return;
  g_born_sequence = g_plan->sequence;
  g_born_as = g_plan->born++;
}

void NoteBadClose() {
  if (g_plan != nullptr) ++g_plan->bad_closes;
}

}  // namespace faulting
