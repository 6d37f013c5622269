#include "lifecycle/call_filter.h"

#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// By kind. The C library chooses between old and new calls of one kind (open and openat), and architectures have not
// all of them: libseccomp passes over those.
constexpr int kAlways[] = {
    // Reading and writing what is open; files by name, which the file rules judge.
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(preadv2), SCMP_SYS(write),
    SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(pwritev2), SCMP_SYS(lseek), SCMP_SYS(close),
    SCMP_SYS(close_range), SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(stat), SCMP_SYS(lstat),
    SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64),
    SCMP_SYS(getcwd), SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(pipe),
    SCMP_SYS(pipe2), SCMP_SYS(sendfile), SCMP_SYS(splice), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate), SCMP_SYS(fgetxattr), SCMP_SYS(fadvise64), SCMP_SYS(readahead), SCMP_SYS(memfd_create),
    SCMP_SYS(umask),
    // Memory. What makes memory code is a case of its own.
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(msync), SCMP_SYS(mincore), SCMP_SYS(brk),
    SCMP_SYS(membarrier),
    // Sockets that are there, and those that accept makes.
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(listen), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
    // Waiting, and the clock.
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd), SCMP_SYS(eventfd2), SCMP_SYS(futex), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(pause),
    SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime), SCMP_SYS(timer_create),
    SCMP_SYS(timer_settime), SCMP_SYS(timer_gettime), SCMP_SYS(timer_delete), SCMP_SYS(setitimer), SCMP_SYS(getitimer),
    SCMP_SYS(alarm), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
    // Signals.
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigsuspend), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(sigaltstack), SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(tgkill), SCMP_SYS(pidfd_send_signal),
    // Processes and threads. clone is a case of its own.
    SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(wait4), SCMP_SYS(waitid), SCMP_SYS(exit), SCMP_SYS(exit_group),
    SCMP_SYS(pidfd_open), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getpgrp), SCMP_SYS(getpgid),
    SCMP_SYS(getsid), SCMP_SYS(setsid), SCMP_SYS(setpgid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getgroups), SCMP_SYS(capget), SCMP_SYS(prctl),
    SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler), SCMP_SYS(getcpu), SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(times),
    SCMP_SYS(sysinfo), SCMP_SYS(uname), SCMP_SYS(getrandom)};

constexpr int kToStoreFiles[] = {SCMP_SYS(link),     SCMP_SYS(linkat),    SCMP_SYS(rename),
                                 SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(unlink),
                                 SCMP_SYS(unlinkat), SCMP_SYS(mkdir),     SCMP_SYS(mkdirat)};

constexpr int kToKeepCopies[] = {SCMP_SYS(fsetxattr), SCMP_SYS(utimensat)};

constexpr int kToHaveRings[] = {SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register)};

// A fresh image sets a filter of its own.
constexpr int kToStartPrograms[] = {SCMP_SYS(execve), SCMP_SYS(seccomp), SCMP_SYS(mmap), SCMP_SYS(mprotect)};

// What the server asks of sockets, pipes and terminals.
constexpr uint64_t kIoctls[] = {FIONREAD, FIONBIO, FIOASYNC, SIOCOUTQ, TCGETS, TIOCGWINSZ};

// A new namespace would not lift the filter, but has much of the kernel's code at work for a user without privileges.
constexpr uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
constexpr uint64_t kSocketType = 0xf;  // The rest are flags: SOCK_CLOEXEC, SOCK_NONBLOCK.

scmp_arg_cmp HasBits(unsigned argument, uint64_t mask, uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

// An int: the upper half of the register may hold anything.
scmp_arg_cmp Is(unsigned argument, uint64_t value) { return HasBits(argument, UINT32_MAX, value); }

// Collects the first error of libseccomp, which returns a negative errno.
class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}
  ~Filter() {
    if (context_ != nullptr) ::seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  // Further rules for one call allow more.
  void Allow(int call, std::initializer_list<scmp_arg_cmp> conditions = {}) {
    Note(::seccomp_rule_add_array(context_, SCMP_ACT_ALLOW, call, static_cast<unsigned>(conditions.size()),
                                  conditions.begin()));
  }
  template <int kCount>
  void AllowAll(const int (&calls)[kCount]) {
    for (const int call : calls) Allow(call);
  }
  void SeemMissing(int call) { Note(::seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(ENOSYS), call, 0, nullptr)); }

  // For all threads, since loops may have theirs by now. The kernel could log what it refuses
  // (SECCOMP_FILTER_FLAG_LOG), but that would be a line for each new thread, too, since the C library tries clone3
  // first.
  absl::Status Load() {
    Note(::seccomp_attr_set(context_, SCMP_FLTATR_CTL_TSYNC, 1));
    if (error_ == 0) Note(::seccomp_load(context_));
    if (error_ == 0) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("the filter of system calls cannot be set: ", std::strerror(error_)));
  }

 private:
  void Note(int result) {
    if (result < 0 && error_ == 0) error_ = -result;
  }

  const scmp_filter_ctx context_;  // If it is null, the calls return EINVAL.
  int error_ = 0;
};

// socket(2) alone decides what a process can reach: connect(2) takes an address by pointer, which no filter can follow.
// Netlink is for sock_diag(7), which tells of the server's own connections. No pair is of datagrams: sendto(2) would
// take either of its sockets to any other one that has a name (unix(7)).
void AllowSockets(Filter& filter, const CallNeeds& needs) {
  for (const uint64_t type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    filter.Allow(SCMP_SYS(socketpair), {Is(0, AF_UNIX), HasBits(1, kSocketType, type)});
  }
  filter.Allow(SCMP_SYS(socket), {Is(0, AF_NETLINK), Is(2, NETLINK_SOCK_DIAG)});
  if (needs.has_datagrams) {
    for (const uint64_t family : {AF_INET, AF_INET6}) {
      filter.Allow(SCMP_SYS(socket), {Is(0, family), HasBits(1, kSocketType, SOCK_DGRAM)});
    }
    filter.Allow(SCMP_SYS(bind));
  }
  if (needs.asks_servers) {
    for (const uint64_t family : {AF_INET, AF_INET6}) {
      // Of TCP alone: Landlock's rules of ports do not hold for MPTCP, nor for SCTP.
      filter.Allow(SCMP_SYS(socket), {Is(0, family), HasBits(1, kSocketType, SOCK_STREAM), Is(2, 0)});
    }
  }
  if (needs.has_datagrams || needs.asks_servers) filter.Allow(SCMP_SYS(connect));
  // With this flag they connect, too, and the rules of ports do not see it (tcp(7), TCP_FASTOPEN).
  filter.Allow(SCMP_SYS(sendto), {HasBits(3, MSG_FASTOPEN, 0)});
  filter.Allow(SCMP_SYS(sendmsg), {HasBits(2, MSG_FASTOPEN, 0)});
  filter.Allow(SCMP_SYS(sendmmsg), {HasBits(3, MSG_FASTOPEN, 0)});
}

}  // namespace

absl::Status CheckCallFilter() {
  const uint32_t action = SECCOMP_RET_ERRNO;
  if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) return absl::OkStatus();
  const absl::Status status = SysError("seccomp");
  return absl::UnimplementedError(
      absl::StrCat("this system does not let a process filter its system calls: ", status.message()));
}

absl::Status RestrictCalls(const CallNeeds& needs) {
  Filter filter;
  filter.AllowAll(kAlways);
  if (needs.stores_files) filter.AllowAll(kToStoreFiles);
  if (needs.keeps_copies) filter.AllowAll(kToKeepCopies);
  if (needs.has_rings) filter.AllowAll(kToHaveRings);
  AllowSockets(filter, needs);
  for (const uint64_t request : kIoctls) filter.Allow(SCMP_SYS(ioctl), {Is(1, request)});
  filter.Allow(SCMP_SYS(prlimit64), {Is(0, 0)});  // Of this process alone.
  // The flags of clone3 are behind a pointer. Without it, the C library takes clone.
  filter.SeemMissing(SCMP_SYS(clone3));
  filter.Allow(SCMP_SYS(clone), {HasBits(0, kNamespaces, 0)});
  if (needs.starts_programs) {
    filter.AllowAll(kToStartPrograms);
  } else {
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) filter.Allow(call, {HasBits(2, PROT_EXEC, 0)});
  }
  return filter.Load();
}

}  // namespace polyserve
