// RefuseCall: has a system call fail with an error of our choice in this process and in all that it executes and forks
// (a seccomp filter, see seccomp(2)), as a container's profile or a security module does.
//
//   ServerProcess server({.flags = flags, .before_exec = [] { RefuseCall(SYS_accept4, EPERM); }});
#ifndef POLYSERVE_TESTS_REFUSE_CALL_H_
#define POLYSERVE_TESTS_REFUSE_CALL_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstdint>

namespace polyserve {

// `call` is its number (SYS_accept4), `error` an errno. Async-signal-safe, so it may run between fork() and exec().
// Filters add up, and cannot be removed. If the system does not allow filters, the call is not refused: the test must
// check that, or fail.
//
// The filter is four instructions of classic BPF: load the call's number; if it is `call`, go on to the next
// instruction, else skip it; fail with `error`; allow. A process without privileges may install one only if it gives up
// gaining any by exec (PR_SET_NO_NEW_PRIVS). Limits: one architecture, and io_uring's operations are no system calls.
inline void RefuseCall(int call, int error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_REFUSE_CALL_H_
