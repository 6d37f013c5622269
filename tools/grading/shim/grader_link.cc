// The connection to the grader. Raw system calls throughout: the library's functions of the same names are those of
// calls.cc.
#include "tools/grading/shim/grader_link.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace grading {
namespace {

// Out of the way of the program's own descriptors; the grader raises the limit.
constexpr int kLowestLinkFd = 6000;

constexpr const char* kKindNames[] = {"accept", "write", "wait", "lock", "memory"};
bool watched[5] = {};
char socket_path[sizeof(sockaddr_un::sun_path)] = "";

// Of the calling thread. After a fork the pid is another one, and the child makes its own.
thread_local int link_fd = -1;
thread_local pid_t link_pid = 0;

// Programs that this one starts are not under test, so the environment does not hand the shim on.
__attribute__((constructor)) void ReadEnvironment() {
  const char* path = getenv("GRADE_SOCKET");
  const char* calls = getenv("GRADE_CALLS");
  if (path != nullptr && calls != nullptr && strlen(path) < sizeof socket_path) {
    memcpy(socket_path, path, strlen(path) + 1);
    for (int kind = 0; kind < 5; ++kind) watched[kind] = strstr(calls, kKindNames[kind]) != nullptr;
  }
  unsetenv("LD_PRELOAD");
  unsetenv("GRADE_SOCKET");
  unsetenv("GRADE_CALLS");
}

bool Connect() {
  const pid_t pid = getpid();
  if (link_fd >= 0 && link_pid == pid) return true;
  if (link_fd >= 0) syscall(SYS_close, link_fd);
  link_fd = -1;
  link_pid = pid;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, socket_path, sizeof socket_path);
  const long low = syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (low < 0) return false;
  const long high = syscall(SYS_fcntl, low, F_DUPFD_CLOEXEC, kLowestLinkFd);
  syscall(SYS_close, low);
  if (high < 0) return false;
  link_fd = static_cast<int>(high);
  if (syscall(SYS_connect, link_fd, &address, sizeof address) == 0) return true;
  syscall(SYS_close, link_fd);
  link_fd = -1;
  return false;
}

bool Send(const char* kind, const char* call, long first, long second) {
  if (!Connect()) return false;
  char text[128];
  const int size =
      snprintf(text, sizeof text, "%s %d %ld %s %ld %ld", kind, getpid(), syscall(SYS_gettid), call, first, second);
  return syscall(SYS_sendto, link_fd, text, size, MSG_NOSIGNAL, nullptr, 0) == size;
}

Order Receive() {
  char answer[64] = "";
  const long size = syscall(SYS_read, link_fd, answer, sizeof answer - 1);
  Order order;
  if (size <= 0) return order;  // The grader has left.
  constexpr const char* kVerbs[] = {"go", "short", "signal", "up"};
  char verb[16] = "";
  if (sscanf(answer, "%15s %ld", verb, &order.value) < 1) return order;
  for (int number = 0; number < 4; ++number) {
    if (strcmp(verb, kVerbs[number]) == 0) order.verb = static_cast<Order::Verb>(number);
  }
  return order;
}

// Blocks all signals and keeps errno while it lives.
class Undisturbed {
 public:
  Undisturbed() : errno_(errno) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~Undisturbed() {
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = errno_;
  }
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;

 private:
  sigset_t before_;
  int errno_;
};

}  // namespace

bool IsWatched(Kind kind) { return watched[static_cast<int>(kind)]; }

Order Ask(const char* call, unsigned long first, unsigned long second) {
  const Undisturbed undisturbed;
  if (!Send("ask", call, static_cast<long>(first), static_cast<long>(second))) return {};
  return Receive();
}

void Tell(const char* call, long first, long second) {
  const Undisturbed undisturbed;
  Send("tell", call, first, second);
}

}  // namespace grading
