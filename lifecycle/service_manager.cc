#include "lifecycle/service_manager.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "lifecycle/environment.h"
#include "net/deadline.h"

namespace polyserve {

namespace {

// For a manager that reads slowly, since it has other services, too. One that is stuck must not keep the server from
// its clients for ever.
constexpr absl::Duration kPatience = absl::Seconds(5);

// A path, or "@" and a name in the abstract namespace, which begins with a zero byte (unix(7)).
absl::StatusOr<UniqueFd> ConnectTo(const std::string& name) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if ((name[0] != '/' && name[0] != '@') || name.size() < 2 || name.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError("it is no path of a socket");
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.ok()) return SysError("socket");
  const socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return SysError("connect");
  return fd;
}

}  // namespace

// WATCHDOG_PID, if there is one, says whom the manager watches (sd_watchdog_enabled(3)). An upgrade leaves it out: by
// then another process is the service.
ServiceManager ServiceManager::FromEnvironment() {
  ServiceManager manager;
  const std::string name = TakeVariable("NOTIFY_SOCKET");
  const std::string microseconds = TakeVariable("WATCHDOG_USEC");
  const std::string watched = TakeVariable("WATCHDOG_PID");
  if (name.empty()) return manager;
  absl::StatusOr<UniqueFd> socket = ConnectTo(name);
  if (!socket.ok()) {
    LOG(WARNING) << "cannot tell the service manager anything: NOTIFY_SOCKET=" << name << ": "
                 << socket.status().message();
    return manager;
  }
  manager.socket_ = *std::move(socket);
  manager.environment_.push_back(absl::StrCat("NOTIFY_SOCKET=", name));
  int64_t limit = 0;
  if (!absl::SimpleAtoi(microseconds, &limit) || limit < 2000) return manager;
  if (!watched.empty() && watched != absl::StrCat(::getpid())) return manager;
  manager.watchdog_ = absl::Microseconds(limit) / 2;
  manager.environment_.push_back(absl::StrCat("WATCHDOG_USEC=", limit));
  return manager;
}

// The time is what Type=notify-reload asks for; other managers ignore it.
void ServiceManager::Reloading() const {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  Send(absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000), kPatience);
}

void ServiceManager::Ready() const { Send("READY=1", kPatience); }

// The next one says as much.
void ServiceManager::IsAlive() const {
  if (watchdog_ != absl::InfiniteDuration()) Send("WATCHDOG=1", absl::ZeroDuration());
}

void ServiceManager::Stopping() {
  if (!std::exchange(has_said_stopping_, true)) Send("STOPPING=1", kPatience);
}

void ServiceManager::HandOver(pid_t successor) {
  // In one message: with NotifyAccess=main only the main process is heard, and this one is that until here.
  Send(absl::StrCat("MAINPID=", successor, "\nREADY=1"), kPatience);
  socket_.reset();
}

void ServiceManager::Send(absl::string_view message, absl::Duration patience) const {
  if (!socket_.ok()) return;
  const Deadline deadline(patience);
  pollfd room = {socket_.get(), POLLOUT, 0};
  while (::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EAGAIN || deadline.passed()) {
      LOG_FLOOD(WARNING) << "cannot tell the service manager " << message << ": " << SysError("send").message();
      return;
    }
    ::poll(&room, 1, deadline.PollMilliseconds());
  }
}

}  // namespace polyserve
