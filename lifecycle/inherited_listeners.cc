#include "lifecycle/inherited_listeners.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "lifecycle/environment.h"

namespace polyserve {

namespace {

// More than any server listens at. Bounds what a wrong LISTEN_FDS makes this program look at.
constexpr int kMostSockets = 1 << 16;

int OptionOf(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// Both are flags that a manager leaves as it likes: systemd passes sockets that block, and none is closed on exec.
absl::Status MakeOurs(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return absl::InvalidArgumentError(absl::StrCat("LISTEN_FDS: ", SysError("fcntl").message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InheritedListeners> InheritedListeners::FromEnvironment() {
  const std::string count = TakeVariable("LISTEN_FDS");
  const std::string pid = TakeVariable("LISTEN_PID");
  const std::vector<std::string> names = absl::StrSplit(TakeVariable("LISTEN_FDNAMES"), ':');
  const std::string upgrade = TakeVariable(kUpgradeVariable);
  InheritedListeners inherited;
  if (count.empty()) return inherited;
  int sockets = 0;
  if (!absl::SimpleAtoi(count, &sockets) || sockets < 0 || sockets > kMostSockets) {
    return absl::InvalidArgumentError(absl::StrCat("LISTEN_FDS=", count, " is not a number of sockets"));
  }
  std::string managers(static_cast<size_t>(sockets), '1');
  int64_t meant_for = 0;
  if (!upgrade.empty()) {
    const absl::Status status = inherited.ReadUpgrade(upgrade, managers.size(), managers);
    if (!status.ok()) return status;
  } else if (!absl::SimpleAtoi(pid, &meant_for) || meant_for != ::getpid()) {
    return inherited;  // Another process's, whose environment this one has inherited.
  }
  for (size_t i = 0; i < managers.size(); ++i) {
    const absl::Status status =
        inherited.Add(UniqueFd(kFirstFd + static_cast<int>(i)), i < names.size() ? names[i] : "", managers[i] == '1');
    if (!status.ok()) return status;
  }
  return inherited;
}

// posix_spawn(3) tells nobody the pid of what it starts, so the earlier server gives its own.
absl::Status InheritedListeners::ReadUpgrade(absl::string_view variable, size_t sockets, std::string& managers) {
  const std::vector<std::string> parts = absl::StrSplit(variable, ' ');
  int64_t parent = 0;
  int ready = -1;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &parent) || !absl::SimpleAtoi(parts[1], &ready) ||
      parts[2].size() != sockets) {
    return absl::InvalidArgumentError(absl::StrCat(kUpgradeVariable, "=", variable, " makes no sense"));
  }
  if (parent != ::getppid()) return absl::FailedPreconditionError("the server to be upgraded has ended");
  ready_.reset(ready);
  managers = parts[2];
  return MakeOurs(ready);
}

absl::StatusOr<InheritedListeners> InheritedListeners::OfInetd(UniqueFd fd) {
  InheritedListeners inherited;
  if (absl::Status status = inherited.Add(std::move(fd), "", /*is_managers=*/true); !status.ok()) return status;
  inherited.sockets_.front().fits_any = true;
  return inherited;
}

absl::Status InheritedListeners::Add(UniqueFd socket, std::string name, bool is_managers) {
  const int fd = socket.get();
  if (absl::Status status = MakeOurs(fd); !status.ok()) return status;
  Inherited one{{std::move(socket), is_managers}, std::move(name), OptionOf(fd, SO_TYPE) == SOCK_DGRAM, Endpoint()};
  const int domain = OptionOf(fd, SO_DOMAIN);
  const bool is_ip = domain == AF_INET || domain == AF_INET6;
  const absl::StatusOr<Endpoint> at = Endpoint::OfSocket(fd);
  if (!is_ip || !at.ok() || (!one.is_for_datagrams && OptionOf(fd, SO_ACCEPTCONN) != 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("LISTEN_FDS: descriptor ", fd, " is neither a TCP socket that listens nor a UDP socket"));
  }
  one.at = *at;
  sockets_.push_back(std::move(one));
  return absl::OkStatus();
}

std::vector<InheritedListeners::Socket> InheritedListeners::Take(absl::string_view name, bool is_for_datagrams,
                                                                 const Endpoint& at) {
  const auto find = [&](auto matches) {
    return std::find_if(sockets_.begin(), sockets_.end(), [&](const Inherited& one) {
      return one.socket.fd.ok() && one.is_for_datagrams == is_for_datagrams && matches(one);
    });
  };
  auto found = find([&](const Inherited& one) { return one.fits_any || one.at == at; });
  if (found == sockets_.end() && at.port() == 0) {
    found = find([&](const Inherited& one) { return one.name == name && one.at.Host() == at.Host(); });
  }
  std::vector<Socket> taken;
  if (found == sockets_.end()) return taken;
  const Endpoint port = found->at;
  while ((found = find([&](const Inherited& one) { return one.at == port; })) != sockets_.end()) {
    taken.push_back(std::move(found->socket));
  }
  return taken;
}

void InheritedListeners::Leave() {
  sockets_.clear();
  ready_.reset();
}

absl::Status InheritedListeners::CheckAllAreTaken() const {
  for (const Inherited& one : sockets_) {
    if (!one.socket.fd.ok()) continue;
    if (one.socket.is_managers) {
      return absl::InvalidArgumentError(absl::StrCat("--listen has no service for the socket at ", one.at.ToString(),
                                                     ", which the service manager has passed (LISTEN_FDS)"));
    }
    LOG(WARNING) << "upgrade: --listen does not have " << one.at.ToString() << " any more; clients there are lost";
  }
  return absl::OkStatus();
}

// The earlier server reads the byte, or the end of the pipe if this one has failed. Its own end would be SIGPIPE, which
// the server ignores by now.
absl::Status InheritedListeners::TellReady() {
  if (!ready_.ok()) return absl::OkStatus();
  const ssize_t written = ::write(ready_.get(), "R", 1);
  ready_.reset();
  return written == 1 ? absl::OkStatus() : absl::FailedPreconditionError("the server to be upgraded has stopped");
}

}  // namespace polyserve
