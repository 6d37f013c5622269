// The calls about sockets, and those that wait: each asks Decide() first.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <type_traits>

#include "tests/next_call.h"
#include "tools/faulting/shim/fault.h"

namespace {

using faulting::Call;
using faulting::Fail;
using faulting::Move;
using polyserve::NextCall;

const NextCall<"accept", decltype(::accept)> next_accept;
const NextCall<"accept4", decltype(::accept4)> next_accept4;
const NextCall<"bind", decltype(::bind)> next_bind;
const NextCall<"connect", decltype(::connect)> next_connect;
const NextCall<"epoll_create1", decltype(::epoll_create1)> next_epoll_create1;
const NextCall<"epoll_ctl", decltype(::epoll_ctl)> next_epoll_ctl;
const NextCall<"epoll_pwait", decltype(::epoll_pwait)> next_epoll_pwait;
const NextCall<"epoll_pwait2", decltype(::epoll_pwait2)> next_epoll_pwait2;
const NextCall<"epoll_wait", decltype(::epoll_wait)> next_epoll_wait;
const NextCall<"getpeername", decltype(::getpeername)> next_getpeername;
const NextCall<"getsockname", decltype(::getsockname)> next_getsockname;
const NextCall<"getsockopt", decltype(::getsockopt)> next_getsockopt;
const NextCall<"listen", decltype(::listen)> next_listen;
const NextCall<"poll", decltype(::poll)> next_poll;
const NextCall<"ppoll", decltype(::ppoll)> next_ppoll;
const NextCall<"recv", decltype(::recv)> next_recv;
const NextCall<"recvfrom", decltype(::recvfrom)> next_recvfrom;
const NextCall<"recvmmsg", decltype(::recvmmsg)> next_recvmmsg;
const NextCall<"recvmsg", decltype(::recvmsg)> next_recvmsg;
const NextCall<"select", decltype(::select)> next_select;
const NextCall<"send", decltype(::send)> next_send;
const NextCall<"sendfile", decltype(::sendfile)> next_sendfile;
const NextCall<"sendmmsg", decltype(::sendmmsg)> next_sendmmsg;
const NextCall<"sendmsg", decltype(::sendmsg)> next_sendmsg;
const NextCall<"sendto", decltype(::sendto)> next_sendto;
const NextCall<"setsockopt", decltype(::setsockopt)> next_setsockopt;
const NextCall<"shutdown", decltype(::shutdown)> next_shutdown;
const NextCall<"socket", decltype(::socket)> next_socket;
const NextCall<"socketpair", decltype(::socketpair)> next_socketpair;

bool MayWait(int flags) { return (flags & MSG_DONTWAIT) == 0; }

bool MayWait(const timespec* timeout) { return timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_nsec != 0; }

size_t SizeOf(const msghdr* message) {
  size_t size = 0;
  for (size_t i = 0; i < message->msg_iovlen; ++i) size += message->msg_iov[i].iov_len;
  return size;
}

// The message, cut after `size` bytes if those are not all of it. What else it has goes with it.
template <typename Message, typename Function>
ssize_t Cut(Message* message, size_t size, Function call) {
  if (size == SizeOf(message)) return call(message);
  iovec first = {};
  for (size_t i = 0; i < message->msg_iovlen && first.iov_len == 0; ++i) first = message->msg_iov[i];
  first.iov_len = size;
  msghdr one = *message;
  one.msg_iov = &first;
  one.msg_iovlen = 1;
  const ssize_t result = call(&one);
  if constexpr (!std::is_const_v<Message>) {
    message->msg_namelen = one.msg_namelen;
    message->msg_controllen = one.msg_controllen;
    message->msg_flags = one.msg_flags;
  }
  return result;
}

}  // namespace

extern "C" {

int accept(int fd, sockaddr* address, socklen_t* size) {
  return Fail(Call::kAccept, {.fd = fd}, [&] { return next_accept(fd, address, size); });
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return Fail(Call::kAccept, {.fd = fd}, [&] { return next_accept4(fd, address, size, flags); });
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  return Fail(Call::kBind, {.fd = fd}, [&] { return next_bind(fd, address, size); });
}

int connect(int fd, const sockaddr* address, socklen_t size) {
  return Fail(Call::kConnect, {.fd = fd}, [&] { return next_connect(fd, address, size); });
}

int epoll_create1(int flags) noexcept {
  return Fail(Call::kEpollCreate, {}, [&] { return next_epoll_create1(flags); });
}

// Only a descriptor that is new in the set needs memory.
int epoll_ctl(int epoll, int operation, int fd, epoll_event* event) noexcept {
  if (operation != EPOLL_CTL_ADD) return next_epoll_ctl(epoll, operation, fd, event);
  return Fail(Call::kEpollCtl, {.fd = fd}, [&] { return next_epoll_ctl(epoll, operation, fd, event); });
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  return Fail(Call::kEpollWait, {.may_wait = timeout != 0},
              [&] { return next_epoll_wait(epoll, events, most, timeout); });
}

int epoll_pwait(int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask) {
  return Fail(Call::kEpollWait, {.may_wait = timeout != 0},
              [&] { return next_epoll_pwait(epoll, events, most, timeout, mask); });
}

int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* timeout, const sigset_t* mask) {
  return Fail(Call::kEpollWait, {.may_wait = MayWait(timeout)},
              [&] { return next_epoll_pwait2(epoll, events, most, timeout, mask); });
}

int getpeername(int fd, sockaddr* address, socklen_t* size) noexcept {
  return Fail(Call::kGetpeername, {.fd = fd}, [&] { return next_getpeername(fd, address, size); });
}

int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept {
  return Fail(Call::kGetsockname, {.fd = fd}, [&] { return next_getsockname(fd, address, size); });
}

int getsockopt(int fd, int level, int option, void* value, socklen_t* size) noexcept {
  return Fail(Call::kGetsockopt, {.fd = fd}, [&] { return next_getsockopt(fd, level, option, value, size); });
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t size) noexcept {
  return Fail(Call::kSetsockopt, {.fd = fd}, [&] { return next_setsockopt(fd, level, option, value, size); });
}

int listen(int fd, int backlog) noexcept {
  return Fail(Call::kListen, {.fd = fd}, [&] { return next_listen(fd, backlog); });
}

int shutdown(int fd, int how) noexcept {
  return Fail(Call::kShutdown, {.fd = fd}, [&] { return next_shutdown(fd, how); });
}

int socket(int domain, int type, int protocol) noexcept {
  return Fail(Call::kSocket, {}, [&] { return next_socket(domain, type, protocol); });
}

int socketpair(int domain, int type, int protocol, int fds[2]) noexcept {
  return Fail(Call::kSocketpair, {}, [&] { return next_socketpair(domain, type, protocol, fds); });
}

int poll(pollfd* fds, nfds_t count, int timeout) {
  return Fail(Call::kPoll, {.may_wait = timeout != 0}, [&] { return next_poll(fds, count, timeout); });
}

int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return Fail(Call::kPoll, {.may_wait = MayWait(timeout)}, [&] { return next_ppoll(fds, count, timeout, mask); });
}

int select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, timeval* timeout) {
  const bool may_wait = timeout == nullptr || timeout->tv_sec != 0 || timeout->tv_usec != 0;
  return Fail(Call::kSelect, {.may_wait = may_wait},
              [&] { return next_select(count, readable, writable, exceptional, timeout); });
}

ssize_t recv(int fd, void* bytes, size_t size, int flags) {
  return Move(Call::kReceive, {.fd = fd, .may_wait = MayWait(flags)}, size,
              [&](size_t some) { return next_recv(fd, bytes, some, flags); });
}

ssize_t recvfrom(int fd, void* bytes, size_t size, int flags, sockaddr* address, socklen_t* address_size) {
  return Move(Call::kReceive, {.fd = fd, .may_wait = MayWait(flags)}, size,
              [&](size_t some) { return next_recvfrom(fd, bytes, some, flags, address, address_size); });
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return Move(Call::kReceive, {.fd = fd, .may_wait = MayWait(flags)}, SizeOf(message), [&](size_t some) {
    return Cut(message, some, [&](msghdr* cut) { return next_recvmsg(fd, cut, flags); });
  });
}

int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  return Fail(Call::kReceive, {.fd = fd, .may_wait = MayWait(flags)},
              [&] { return next_recvmmsg(fd, messages, count, flags, timeout); });
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  return Move(Call::kSend, {.fd = fd, .may_wait = MayWait(flags)}, size,
              [&](size_t some) { return next_send(fd, bytes, some, flags); });
}

ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* address, socklen_t address_size) {
  return Move(Call::kSend, {.fd = fd, .may_wait = MayWait(flags)}, size,
              [&](size_t some) { return next_sendto(fd, bytes, some, flags, address, address_size); });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return Move(Call::kSend, {.fd = fd, .may_wait = MayWait(flags)}, SizeOf(message), [&](size_t some) {
    return Cut(message, some, [&](const msghdr* cut) { return next_sendmsg(fd, cut, flags); });
  });
}

int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return Fail(Call::kSend, {.fd = fd, .may_wait = MayWait(flags)},
              [&] { return next_sendmmsg(fd, messages, count, flags); });
}

ssize_t sendfile(int to, int from, off_t* offset, size_t size) noexcept {
  return Move(Call::kSendfile, {.fd = to}, size, [&](size_t some) { return next_sendfile(to, from, offset, some); });
}

// What a compiler makes of some of these calls with -D_FORTIFY_SOURCE: the size of the buffer comes last.
ssize_t __recv_chk(int fd, void* bytes, size_t size, size_t /*room*/,
                   int flags) {  // NOLINT(bugprone-reserved-identifier)
  return recv(fd, bytes, size, flags);
}

// NOLINTNEXTLINE(bugprone-reserved-identifier)
ssize_t __recvfrom_chk(int fd, void* bytes, size_t size, size_t /*room*/, int flags, sockaddr* address,
                       socklen_t* address_size) {
  return recvfrom(fd, bytes, size, flags, address, address_size);
}

int __poll_chk(pollfd* fds, nfds_t count, int timeout, size_t /*room*/) {  // NOLINT(bugprone-reserved-identifier)
  return poll(fds, count, timeout);
}

// NOLINTNEXTLINE(bugprone-reserved-identifier)
int __ppoll_chk(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask, size_t /*room*/) {
  return ppoll(fds, count, timeout, mask);
}

}  // extern "C"
