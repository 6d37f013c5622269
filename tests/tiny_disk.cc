#include "tests/tiny_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

bool WriteTo(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written;
}

}  // namespace

std::function<void()> MountTinyDisk(const std::string& directory, const std::string& options) {
  // The namespace maps the user to itself: a user that it does not know could not make files.
  const std::string uid_map = absl::StrCat(::getuid(), " ", ::getuid(), " 1");
  const std::string gid_map = absl::StrCat(::getgid(), " ", ::getgid(), " 1");
  // Without privileges gid_map may be written only after "deny" to setgroups (user_namespaces(7)).
  return [directory, uid_map, gid_map, options = absl::StrCat(options, ",mode=0777")] {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !WriteTo("/proc/self/uid_map", uid_map) ||
        !WriteTo("/proc/self/setgroups", "deny") || !WriteTo("/proc/self/gid_map", gid_map) ||
        ::mount("tiny", directory.c_str(), "tmpfs", 0, options.c_str()) != 0) {
      ::_exit(1);
    }
  };
}

bool CanMountTinyDisk(const std::string& directory) {
  const std::function<void()> mount = MountTinyDisk(directory);
  const pid_t pid = ::fork();
  if (pid == 0) {
    mount();
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status == 0;
}

}  // namespace polyserve
