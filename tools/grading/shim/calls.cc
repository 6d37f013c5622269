// The calls of the C library under which a program's fault shows, each with a question to the grader before it.
//
// Loaded before the C library (LD_PRELOAD), so that the program's calls come here; Next() finds the library's own.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/grading/shim/grader_link.h"

namespace {

using grading::Ask;
using grading::IsWatched;
using grading::Kind;
using grading::Order;
using grading::Tell;

// The library's function of this name; the first argument is for its type alone.
template <typename Function>
Function* Next(Function* /*own*/, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

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
  static auto* const next = Next(&accept, "accept");
  return Accept(fd, [&] { return next(fd, address, size); });
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  static auto* const next = Next(&accept4, "accept4");
  return Accept(fd, [&] { return next(fd, address, size, flags); });
}

ssize_t write(int fd, const void* bytes, size_t size) {
  static auto* const next = Next(&write, "write");
  return Write(fd, size, [&](size_t some) { return next(fd, bytes, some); });
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  static auto* const next = Next(&send, "send");
  return Write(fd, size, [&](size_t some) { return next(fd, bytes, some, flags); });
}

int poll(pollfd* fds, nfds_t count, int timeout) {
  static auto* const next = Next(&poll, "poll");
  return Wait("poll", [&] { return next(fds, count, timeout); });
}

int ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  static auto* const next = Next(&ppoll, "ppoll");
  return Wait("ppoll", [&] { return next(fds, count, timeout, mask); });
}

int select(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, timeval* timeout) {
  static auto* const next = Next(&select, "select");
  return Wait("select", [&] { return next(count, readable, writable, exceptional, timeout); });
}

int pselect(int count, fd_set* readable, fd_set* writable, fd_set* exceptional, const timespec* timeout,
            const sigset_t* mask) {
  static auto* const next = Next(&pselect, "pselect");
  return Wait("pselect", [&] { return next(count, readable, writable, exceptional, timeout, mask); });
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  static auto* const next = Next(&epoll_wait, "epoll_wait");
  return Wait("epoll_wait", [&] { return next(epoll, events, most, timeout); });
}

int epoll_pwait(int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask) {
  static auto* const next = Next(&epoll_pwait, "epoll_pwait");
  return Wait("epoll_pwait", [&] { return next(epoll, events, most, timeout, mask); });
}

int pause() {
  static auto* const next = Next(&pause, "pause");
  return Wait("pause", [&] { return next(); });
}

int sigsuspend(const sigset_t* mask) {
  static auto* const next = Next(&sigsuspend, "sigsuspend");
  return Wait("sigsuspend", [&] { return next(mask); });
}

// The grader hears of each lock that a thread takes, is about to wait for, or gives back.
int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const next = Next(&pthread_mutex_lock, "pthread_mutex_lock");
  if (!IsWatched(Kind::kLock)) return next(mutex);
  const auto address = reinterpret_cast<unsigned long>(mutex);
  int failure = pthread_mutex_trylock(mutex);
  if (failure == EBUSY) {
    Tell("blocked", static_cast<long>(address), 0);
    failure = next(mutex);
  }
  if (failure == 0) Ask("locked", address, 0);
  return failure;
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  static auto* const next = Next(&pthread_mutex_unlock, "pthread_mutex_unlock");
  const int failure = next(mutex);
  if (IsWatched(Kind::kLock)) Tell("unlocked", static_cast<long>(reinterpret_cast<unsigned long>(mutex)), 0);
  return failure;
}

}  // extern "C"
