// What a call asks before it is made: Decide() counts it, and says whether it is the one that is to fail.
//
//   int fsync(int fd) { return Fail(Call::kFsync, {.fd = fd}, [&] { return next_fsync(fd); }); }
//
// Async-signal-safe, for any thread, and for a child between fork() and exec(): no memory is allocated, and no lock is
// taken. errno stays as it is, unless the call fails.
#ifndef POLYSERVE_TOOLS_FAULTING_SHIM_FAULT_H_
#define POLYSERVE_TOOLS_FAULTING_SHIM_FAULT_H_

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "tools/faulting/shim/plan.h"

namespace faulting {

// All calls that are watched. kCallNames in fault.cc has their names in this order.
enum class Call : uint32_t {
  kAccept,
  kBind,
  kClose,
  kConnect,
  kDup,
  kEpollCreate,
  kEpollCtl,
  kEpollWait,
  kEventfd,
  kFdopendir,
  kFlock,
  kFork,
  kFstat,
  kFstatat,
  kFstatvfs,
  kFsync,
  kFtruncate,
  kGetpeername,
  kGetsockname,
  kGetsockopt,
  kIoUringEnter,
  kIoUringRegister,
  kIoUringSetup,
  kLinkat,
  kListen,
  kLock,
  kMemfdCreate,
  kMkdirat,
  kMmap,
  kOpen,
  kOpenat,
  kOpenat2,
  kPidfdOpen,
  kPipe,
  kPoll,
  kPosixFallocate,
  kPosixSpawn,
  kPthreadCreate,
  kRead,
  kReaddir,
  kReceive,
  kRenameat,
  kSelect,
  kSend,
  kSendfile,
  kSetsockopt,
  kShutdown,
  kSigwait,
  kSocket,
  kSocketpair,
  kUnlinkat,
  kWait,
  kWrite,
};
inline constexpr uint32_t kCalls = static_cast<uint32_t>(Call::kWrite) + 1;

struct Question {
  int fd = -1;            // Its descriptor, if it has one that says what the call is about.
  bool may_wait = true;   // False if an argument says that it returns at once (MSG_DONTWAIT, a time-out of 0).
  bool is_large = false;  // It moves more than one byte.
};

struct Answer {
  enum class Verb { kGo, kFail, kShort, kPretend } verb = Verb::kGo;
  int error = 0;  // With kFail.
};

Answer Decide(Call call, const Question& question);

// A process has begun: it gets a role of its own.
void Enroll();

// Has noticed that the program closes what is not open.
void NoteBadClose();

// Has io_uring's calls ask as well, from now on. See ring_calls.cc.
void WatchRings();

// A call that fails with -1.
template <typename Function>
auto Fail(Call call, const Question& question, Function real) {
  using Result = decltype(real());
  const Answer answer = Decide(call, question);
  if (answer.verb == Answer::Verb::kPretend) return Result{0};
  if (answer.verb != Answer::Verb::kFail) return real();
  errno = answer.error;
  return Result{-1};
}

// One that returns the error.
template <typename Function>
int ReturnError(Call call, const Question& question, Function real) {
  const Answer answer = Decide(call, question);
  return answer.verb == Answer::Verb::kFail ? answer.error : real();
}

// One that moves bytes: `real` is called with how many.
template <typename Function>
auto Move(Call call, Question question, size_t size, Function real) {
  using Result = decltype(real(size));
  question.is_large = size > 1;
  const Answer answer = Decide(call, question);
  if (answer.verb == Answer::Verb::kGo) return real(size);
  if (answer.verb == Answer::Verb::kShort) return real(1);
  if (answer.verb == Answer::Verb::kPretend) return static_cast<Result>(size);
  errno = answer.error;
  return static_cast<Result>(-1);
}

}  // namespace faulting

#endif  // POLYSERVE_TOOLS_FAULTING_SHIM_FAULT_H_
