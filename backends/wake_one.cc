#include "backends/wake_one.h"

#include <dirent.h>
#include <sys/epoll.h>

#include <memory>

#include "absl/strings/numbers.h"
#include "glog/logging.h"

namespace polyserve {

namespace {

// Whoever is no epoll, or does not know the descriptor, says so, and nothing has happened.
bool Forgets(int epoll, int fd) { return ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nullptr) == 0; }

// The epoll of this process that knew the descriptor, and now does not; -1 where there is none.
int FindForgetting(int fd) {
  const std::unique_ptr<DIR, int (*)(DIR*)> all(::opendir("/proc/self/fd"), &::closedir);
  if (all == nullptr) return -1;
  while (const dirent* entry = ::readdir(all.get())) {
    int number = -1;
    if (absl::SimpleAtoi(entry->d_name, &number) && Forgets(number, fd)) return number;
  }
  return -1;
}

}  // namespace

void WakeOne::Requeue(int fd) {
  if (epoll_ < 0) {
    epoll_ = FindForgetting(fd);
    if (epoll_ < 0) return;
  } else if (!Forgets(epoll_, fd)) {
    return;
  }
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.fd = fd;  // By which libevent knows it, in all its releases with epoll.
  PCHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) << "epoll_ctl";
}

}  // namespace polyserve
