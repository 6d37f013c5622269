// The calls about processes, threads and signals, and those that have no function of their own: each asks Decide()
// first.
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdarg>

#include "tests/next_call.h"
#include "tools/faulting/shim/fault.h"

namespace {

using faulting::Call;
using faulting::Fail;
using faulting::ReturnError;
using polyserve::NextCall;

const NextCall<"fork", decltype(::fork)> next_fork;
const NextCall<"posix_spawn", decltype(::posix_spawn)> next_posix_spawn;
const NextCall<"pthread_create", decltype(::pthread_create)> next_pthread_create;
const NextCall<"sigtimedwait", decltype(::sigtimedwait)> next_sigtimedwait;
const NextCall<"sigwaitinfo", decltype(::sigwaitinfo)> next_sigwaitinfo;
const NextCall<"syscall", decltype(::syscall)> next_syscall;
const NextCall<"waitid", decltype(::waitid)> next_waitid;
const NextCall<"waitpid", decltype(::waitpid)> next_waitpid;

}  // namespace

extern "C" {

pid_t fork() noexcept {
  const pid_t pid = Fail(Call::kFork, {}, [] { return next_fork(); });
  if (pid == 0) faulting::Enroll();
  return pid;
}

int posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                const posix_spawnattr_t* attributes, char* const arguments[], char* const variables[]) {
  return ReturnError(Call::kPosixSpawn, {},
                     [&] { return next_posix_spawn(pid, path, actions, attributes, arguments, variables); });
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  return ReturnError(Call::kPthreadCreate, {},
                     [&] { return next_pthread_create(thread, attributes, start, argument); });
}

int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  const bool may_wait = timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
  return Fail(Call::kSigwait, {.may_wait = may_wait}, [&] { return next_sigtimedwait(set, info, timeout); });
}

int sigwaitinfo(const sigset_t* set, siginfo_t* info) {
  return Fail(Call::kSigwait, {}, [&] { return next_sigwaitinfo(set, info); });
}

int waitid(idtype_t type, id_t id, siginfo_t* info, int options) {
  return Fail(Call::kWait, {.may_wait = (options & WNOHANG) == 0},
              [&] { return next_waitid(type, id, info, options); });
}

pid_t waitpid(pid_t pid, int* status, int options) {
  return Fail(Call::kWait, {.may_wait = (options & WNOHANG) == 0}, [&] { return next_waitpid(pid, status, options); });
}

long syscall(long number, ...) noexcept {  // NOLINT(google-runtime-int): as the C library declares it.
  va_list list;
  va_start(list, number);
  long arguments[6];  // NOLINT(google-runtime-int): as above; a call has six at most.
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  const auto real = [&] {
    return next_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
  };
  if (number == SYS_openat2) return Fail(Call::kOpenat2, {}, real);
  return number == SYS_pidfd_open ? Fail(Call::kPidfdOpen, {}, real) : real();
}

}  // extern "C"
