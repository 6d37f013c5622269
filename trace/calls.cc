// The system calls of the server, led through here by the linker: a call of recv() in any of our objects, or of a
// library that is linked statically, is a call of __wrap_recv() below, and __real_recv() is the C library's (ld(1),
// --wrap). The names are in BUILD. Each does what the call does, sets errno as that does, and notes it if a trace is
// open.
#include <liburing.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "trace/trace.h"

namespace polyserve {

namespace {

// Notes what a call has returned, and leaves errno as it was. A call that has found nothing at once is only counted:
// a loop that polls makes millions of them.
template <typename Result>
Result Noted(Traced kind, uint64_t begin, int fd, Result result, const void* caller) {
  const int error = errno;
  if (result < 0 && (error == EAGAIN || error == EWOULDBLOCK)) {
    Trace::Skip();
  } else {
    Trace::Note(kind, begin, fd, result < 0 ? -error : static_cast<int64_t>(result), caller);
  }
  errno = error;
  return result;
}

// Whether a client can be at its other end.
bool IsOfNetwork(int fd) {
  int domain = AF_UNIX;
  socklen_t size = sizeof(domain);
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain != AF_UNIX;
}

// A descriptor in the control data of a message: of several the first that a client may be at; -1: there is none.
int PassedFd(const msghdr* message) {
  if (message->msg_controllen < sizeof(cmsghdr)) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -1;
  const auto* const begin = reinterpret_cast<const int*>(CMSG_DATA(header));
  const int* const end = begin + (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  const int* const connection = std::find_if(begin, end, &IsOfNetwork);
  return connection == end ? *begin : *connection;
}

// Which of several kinds a read or write is: only those of sockets, eventfds and pipes are of interest.
bool IsSocket(int fd) {
  struct stat file;
  return ::fstat(fd, &file) == 0 && S_ISSOCK(file.st_mode);
}

}  // namespace

}  // namespace polyserve

using polyserve::Noted;
using polyserve::Trace;
using polyserve::Traced;

// The names are the linker's: NOLINTBEGIN(bugprone-reserved-identifier)

// A call that is noted as what it is: its kind, its descriptor (-1: several, or none), the type of its result, its
// name, its parameters, and the arguments to pass on.
#define POLYSERVE_TRACED_CALL(kind, fd, type, name, parameters, arguments)               \
  type __real_##name parameters;                                                         \
  type __wrap_##name parameters {                                                        \
    if (!Trace::on()) return __real_##name arguments;                                    \
    const uint64_t begin = Trace::Now();                                                 \
    return Noted(kind, begin, fd, __real_##name arguments, __builtin_return_address(0)); \
  }

extern "C" {

POLYSERVE_TRACED_CALL(Traced::kRead, fd, ssize_t, recv, (int fd, void* to, size_t size, int flags),
                      (fd, to, size, flags))
POLYSERVE_TRACED_CALL(Traced::kWrite, fd, ssize_t, send, (int fd, const void* from, size_t size, int flags),
                      (fd, from, size, flags))
POLYSERVE_TRACED_CALL(Traced::kWrite, fd, ssize_t, sendfile, (int fd, int file, off_t* offset, size_t size),
                      (fd, file, offset, size))
POLYSERVE_TRACED_CALL(Traced::kRead, fd, int, recvmmsg,
                      (int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout),
                      (fd, messages, count, flags, timeout))
POLYSERVE_TRACED_CALL(Traced::kWrite, fd, int, sendmmsg, (int fd, mmsghdr* messages, unsigned count, int flags),
                      (fd, messages, count, flags))
POLYSERVE_TRACED_CALL(Traced::kWait, fd, int, epoll_wait, (int fd, epoll_event* events, int most, int timeout),
                      (fd, events, most, timeout))
POLYSERVE_TRACED_CALL(Traced::kWait, fd, int, epoll_pwait2,
                      (int fd, epoll_event* events, int most, const timespec* timeout, const sigset_t* mask),
                      (fd, events, most, timeout, mask))
POLYSERVE_TRACED_CALL(Traced::kWait, -1, int, poll, (pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
POLYSERVE_TRACED_CALL(Traced::kWait, -1, int, ppoll,
                      (pollfd * fds, nfds_t count, const timespec* timeout, const sigset_t* mask),
                      (fds, count, timeout, mask))
POLYSERVE_TRACED_CALL(Traced::kWait, -1, int, select,
                      (int count, fd_set* reading, fd_set* writing, fd_set* except, timeval* timeout),
                      (count, reading, writing, except, timeout))
POLYSERVE_TRACED_CALL(Traced::kWait, -1, int, sigwaitinfo, (const sigset_t* set, siginfo_t* info), (set, info))
POLYSERVE_TRACED_CALL(Traced::kWait, -1, int, sigtimedwait,
                      (const sigset_t* set, siginfo_t* info, const timespec* timeout), (set, info, timeout))
POLYSERVE_TRACED_CALL(Traced::kFork, -1, pid_t, fork, (), ())
POLYSERVE_TRACED_CALL(Traced::kReap, -1, pid_t, waitpid, (pid_t pid, int* status, int options), (pid, status, options))
POLYSERVE_TRACED_CALL(Traced::kEnter, ring->ring_fd, int, io_uring_submit_and_wait, (io_uring * ring, unsigned wait),
                      (ring, wait))
POLYSERVE_TRACED_CALL(Traced::kEnter, ring->ring_fd, int, io_uring_submit_and_get_events, (io_uring * ring), (ring))

// Its result is the error, and errno stays as it was.
int __real_posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                       const posix_spawnattr_t* attributes, char* const* arguments, char* const* variables);
int __wrap_posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                       const posix_spawnattr_t* attributes, char* const* arguments, char* const* variables) {
  if (!Trace::on()) return __real_posix_spawn(pid, path, actions, attributes, arguments, variables);
  const uint64_t begin = Trace::Now();
  pid_t child = -1;
  const int error = __real_posix_spawn(&child, path, actions, attributes, arguments, variables);
  if (error == 0 && pid != nullptr) *pid = child;
  Trace::Note(Traced::kSpawn, begin, -1, error == 0 ? child : -error, __builtin_return_address(0));
  return error;
}

int __real_accept4(int fd, sockaddr* address, socklen_t* length, int flags);
int __wrap_accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  if (!Trace::on()) return __real_accept4(fd, address, length, flags);
  const uint64_t begin = Trace::Now();
  const int connection = __real_accept4(fd, address, length, flags);
  if (connection < 0) return Noted(Traced::kAccept, begin, fd, connection, __builtin_return_address(0));
  Trace::NoteAccepted(begin, fd, connection, __builtin_return_address(0));
  return connection;
}

ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  if (!Trace::on()) return __real_sendmsg(fd, message, flags);
  const int passed = polyserve::PassedFd(message);
  const uint64_t begin = Trace::Now();
  const ssize_t sent = __real_sendmsg(fd, message, flags);
  if (passed < 0 || sent < 0) return Noted(Traced::kWrite, begin, fd, sent, __builtin_return_address(0));
  Trace::Note(Traced::kPass, begin, fd, passed, __builtin_return_address(0));
  return sent;
}

ssize_t __real_recvmsg(int fd, msghdr* message, int flags);
ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
  if (!Trace::on()) return __real_recvmsg(fd, message, flags);
  const uint64_t begin = Trace::Now();
  const ssize_t received = __real_recvmsg(fd, message, flags);
  const int taken = received < 0 ? -1 : polyserve::PassedFd(message);
  if (taken < 0) return Noted(Traced::kRead, begin, fd, received, __builtin_return_address(0));
  Trace::Note(Traced::kTake, begin, fd, taken, __builtin_return_address(0));
  return received;
}

// Only those of eventfds and pipes have a record: the others are of files and logs.
ssize_t __real_read(int fd, void* to, size_t size);
ssize_t __wrap_read(int fd, void* to, size_t size) {
  if (!Trace::on() || size > sizeof(uint64_t)) return __real_read(fd, to, size);
  const uint64_t begin = Trace::Now();
  const ssize_t count = __real_read(fd, to, size);
  return Noted(polyserve::IsSocket(fd) ? Traced::kRead : Traced::kWoken, begin, fd, count, __builtin_return_address(0));
}

ssize_t __real_write(int fd, const void* from, size_t size);
ssize_t __wrap_write(int fd, const void* from, size_t size) {
  if (!Trace::on() || size > sizeof(uint64_t)) return __real_write(fd, from, size);
  const uint64_t begin = Trace::Now();
  const ssize_t count = __real_write(fd, from, size);
  return Noted(polyserve::IsSocket(fd) ? Traced::kWrite : Traced::kWake, begin, fd, count, __builtin_return_address(0));
}

int __real_close(int fd);
int __wrap_close(int fd) {
  if (!Trace::on()) return __real_close(fd);
  const uint64_t begin = Trace::Now();
  return Noted(Traced::kClose, begin, fd, __real_close(fd), __builtin_return_address(0));
}

}  // extern "C"

// NOLINTEND(bugprone-reserved-identifier)
