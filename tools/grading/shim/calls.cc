// The calls of the C library under which a program's fault shows, each with a question to the grader before it.
//
// Loaded before the C library (LD_PRELOAD), so that the program's calls come here.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/next_call.h"
#include "tools/grading/shim/grader_link.h"

namespace {

using grading::Ask;
using grading::IsWatched;
using grading::Kind;
using grading::Order;
using grading::Tell;
using polyserve::NextCall;

const NextCall<"accept", decltype(::accept)> next_accept;
const NextCall<"accept4", decltype(::accept4)> next_accept4;
const NextCall<"write", decltype(::write)> next_write;
const NextCall<"send", decltype(::send)> next_send;
const NextCall<"poll", decltype(::poll)> next_poll;
const NextCall<"ppoll", decltype(::ppoll)> next_ppoll;
const NextCall<"select", decltype(::select)> next_select;
const NextCall<"pselect", decltype(::pselect)> next_pselect;
const NextCall<"epoll_wait", decltype(::epoll_wait)> next_epoll_wait;
const NextCall<"epoll_pwait", decltype(::epoll_pwait)> next_epoll_pwait;
const NextCall<"pause", decltype(::pause)> next_pause;
const NextCall<"sigsuspend", decltype(::sigsuspend)> next_sigsuspend;
const NextCall<"pthread_mutex_lock", decltype(::pthread_mutex_lock)> next_pthread_mutex_lock;
const NextCall<"pthread_mutex_unlock", decltype(::pthread_mutex_unlock)> next_pthread_mutex_unlock;

void MoveUp(int* fd, long lowest) {
  const int command = (fcntl(*fd, F_GETFD) & FD_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD;
  const int high = fcntl(*fd, command, static_cast<int>(lowest));
  if (high < 0) return;
  close(*fd);
  *fd = high;
}

template <typename Call>
int Accept(int listener, Call call) {
  if (!IsWatched(Kind::kAccept)) return call();
  const Order order = Ask("accept", listener, 0);
  if (order.verb == Order::Verb::kSignal) kill(getpid(), static_cast<int>(order.value));
  int fd = call();
  const int failure = fd < 0 ? errno : 0;
  if (fd >= 0 && order.verb == Order::Verb::kUp) MoveUp(&fd, order.value);
  Tell("accepted", fd, failure);
  errno = failure;
  return fd;
}

template <typename Call>
ssize_t Write(int fd, size_t size, Call call) {
  if (!IsWatched(Kind::kWrite)) return call(size);
  const Order order = Ask("write", fd, size);
  return call(order.verb == Order::Verb::kShort ? static_cast<size_t>(order.value) : size);
}

// Signals are sent after the program has checked its flag, and before it sleeps.
template <typename Call>
auto Wait(const char* name, Call call) {
  if (IsWatched(Kind::kWait)) {
    const Order order = Ask(name, 0, 0);
    if (order.verb == Order::Verb::kSignal) kill(getpid(), static_cast<int>(order.value));
  }
  return call();
}

}  // namespace

extern "C" {

int accept(int fd, sockaddr* address, socklen_t* size) {
  return Accept(fd, [&] { return next_accept(fd, address, size); });
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return Accept(fd, [&] { return next_accept4(fd, address, size, flags); });
}

ssize_t write(int fd, const void* bytes, size_t size) {
  return Write(fd, size, [&](size_t some) { return next_write(fd, bytes, some); });
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  return Write(fd, size, [&](size_t some) { return next_send(fd, bytes, some, flags); });
}

int poll(pollfd* fds, nfds_t count, int timeout) {
  return Wait("poll", [&] { return next_poll(fds, count, timeout); });
}

int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  return Wait("ppoll", [&] { return next_ppoll(fds, count, timeout, mask); });
}

int select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, timeval* timeout) {
  return Wait("select", [&] { return next_select(count, readable, writable, exceptional, timeout); });
}

int pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, const timespec* timeout,
            const sigset_t* mask) {
  return Wait("pselect", [&] { return next_pselect(count, readable, writable, exceptional, timeout, mask); });
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  return Wait("epoll_wait", [&] { return next_epoll_wait(epoll, events, most, timeout); });
}

int epoll_pwait(int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask) {
  return Wait("epoll_pwait", [&] { return next_epoll_pwait(epoll, events, most, timeout, mask); });
}

int pause() {
  return Wait("pause", [&] { return next_pause(); });
}

int sigsuspend(const sigset_t* mask) {
  return Wait("sigsuspend", [&] { return next_sigsuspend(mask); });
}

// The grader hears of each lock that a thread takes, is about to wait for, or gives back.
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  if (!IsWatched(Kind::kLock)) return next_pthread_mutex_lock(mutex);
  const auto address = reinterpret_cast<unsigned long>(mutex);
  int failure = pthread_mutex_trylock(mutex);
  if (failure == EBUSY) {
    Tell("blocked", static_cast<long>(address), 0);
    failure = next_pthread_mutex_lock(mutex);
  }
  if (failure == 0) Ask("locked", address, 0);
  return failure;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  const int failure = next_pthread_mutex_unlock(mutex);
  if (IsWatched(Kind::kLock)) Tell("unlocked", static_cast<long>(reinterpret_cast<unsigned long>(mutex)), 0);
  return failure;
}

}  // extern "C"
