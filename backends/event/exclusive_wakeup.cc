#include "backends/event/exclusive_wakeup.h"

#include <dirent.h>
#include <sys/epoll.h>

#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

// proc(5) has a line for each descriptor that an epoll watches: "tfd:  <number> events: ...". Just read, since most of
// the descriptors of a process are other threads' concern.
bool Watches(const char* epoll, int fd) {
  std::ifstream info(absl::StrCat("/proc/self/fdinfo/", epoll));
  int watched = -1;
  for (std::string word; info >> word;) {
    if (word == "tfd:" && info >> watched && watched == fd) return true;
  }
  return false;
}

// The epoll of this process that watches the descriptor; -1 where there is none.
int FindEpoll(int fd) {
  const std::unique_ptr<DIR, int (*)(DIR*)> all(::opendir("/proc/self/fdinfo"), &::closedir);
  if (all == nullptr) return -1;
  while (const dirent* entry = ::readdir(all.get())) {
    int number = -1;
    if (absl::SimpleAtoi(entry->d_name, &number) && Watches(entry->d_name, fd)) return number;
  }
  return -1;
}

}  // namespace

bool ExclusiveWakeup::Requeue(int fd) {
  if (epoll_ < 0) epoll_ = FindEpoll(fd);
  if (::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr) != 0) return true;  // It is not watched.
  epoll_event event = {};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.fd = fd;  // By which libevent knows it, in all its releases with epoll.
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace polyserve
