#include "lifecycle/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// More groups than a user of a server has (NGROUPS_MAX is 65536).
constexpr int kMostGroups = 1024;

absl::Status Refused(const char* flag, const std::string& value, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, "=", value, ": ", why));
}

// By capset(2) itself, which has no wrapper in the C library. Only this thread's, hence before there are others.
absl::Status SetCapabilities(uint32_t bits) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  data[0].effective = bits;
  data[0].permitted = bits;
  return ::syscall(SYS_capset, &header, data) == 0 ? absl::OkStatus() : SysError("capset");
}

}  // namespace

absl::StatusOr<Privileges> Privileges::Create(const Options& options) {
  Privileges privileges;
  privileges.options_ = options;
  if (!options.chroot.empty()) {
    struct stat directory = {};
    if (::stat(options.chroot.c_str(), &directory) != 0) return Refused("chroot", options.chroot, std::strerror(errno));
    if (!S_ISDIR(directory.st_mode)) return Refused("chroot", options.chroot, "it is no directory");
    if (::geteuid() != 0) return Refused("chroot", options.chroot, "only root may do that");
  }
  if (options.user.empty()) {
    if (!options.group.empty()) return Refused("group", options.group, "it goes with --user=NAME");
    return privileges;
  }
  uid_t number = 0;
  const passwd* user = absl::SimpleAtoi(options.user, &number) ? ::getpwuid(number) : ::getpwnam(options.user.c_str());
  if (user == nullptr) return Refused("user", options.user, "there is no such user");
  privileges.user_ = user->pw_uid;
  privileges.group_ = user->pw_gid;
  privileges.groups_.resize(kMostGroups);
  int count = kMostGroups;
  if (::getgrouplist(user->pw_name, user->pw_gid, privileges.groups_.data(), &count) < 0) count = kMostGroups;
  privileges.groups_.resize(static_cast<size_t>(count));
  if (!options.group.empty()) {
    const group* only =
        absl::SimpleAtoi(options.group, &number) ? ::getgrgid(number) : ::getgrnam(options.group.c_str());
    if (only == nullptr) return Refused("group", options.group, "there is no such group");
    privileges.group_ = only->gr_gid;
    privileges.groups_ = {only->gr_gid};
  }
  if (!privileges.is_user() && ::geteuid() != 0)
    return Refused("user", options.user, "only root may become another user");
  return privileges;
}

bool Privileges::is_user() const { return ::geteuid() == user_ && ::getuid() == user_ && ::getegid() == group_; }

absl::Status Privileges::EnterRoot() const {
  if (options_.chroot.empty()) return absl::OkStatus();
  if (::chroot(options_.chroot.c_str()) != 0) return SysError("chroot", options_.chroot);
  return ::chdir("/") == 0 ? absl::OkStatus() : SysError("chdir", "/");
}

// The groups first, as long as that is allowed. The kernel takes all capabilities away with the user (capabilities(7)),
// unless they are kept; what is kept is not in effect. It also forbids other processes of the user to look at this one,
// as the server's own processes do for /-/; there is nothing secret of root in it that they had not.
absl::Status Privileges::BecomeUser() const {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return SysError("prctl(PR_SET_NO_NEW_PRIVS)");
  if (options_.user.empty() || is_user()) return absl::OkStatus();
  if (::setgroups(groups_.size(), groups_.data()) != 0) return SysError("setgroups");
  if (::setresgid(group_, group_, group_) != 0) return SysError("setresgid");
  if (::prctl(PR_SET_KEEPCAPS, 1) != 0) return SysError("prctl(PR_SET_KEEPCAPS)");
  if (::setresuid(user_, user_, user_) != 0) return SysError("setresuid");
  ::prctl(PR_SET_DUMPABLE, 1);
  return SetCapabilities(uint32_t{1} << CAP_NET_BIND_SERVICE);
}

absl::Status Privileges::GiveUpAll() const { return options_.user.empty() ? absl::OkStatus() : SetCapabilities(0); }

}  // namespace polyserve
