#include "lifecycle/file_rules.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace polyserve {

namespace {

// Debian 12's header ends with version 2, and the kernel that runs may know more: from here on by their numbers.
constexpr uint64_t kTruncate = uint64_t{1} << 14;       // Version 3.
constexpr uint64_t kIoctlOfDevice = uint64_t{1} << 15;  // Version 5.
constexpr uint64_t kConnectTcp = uint64_t{1} << 1;      // Version 4, of the network.
constexpr uint64_t kScopeOfSignals = uint64_t{1} << 1;  // Version 6, of the scopes.

// LANDLOCK_RULE_NET_PORT and struct landlock_net_port_attr, of version 4.
constexpr int kRuleOfPort = 2;
struct PortAttributes {
  uint64_t access;
  uint64_t port;
};

// struct landlock_ruleset_attr of version 6. An older kernel gets the part that it knows.
struct RulesetAttributes {
  uint64_t files;
  uint64_t network;
  uint64_t scopes;
};

// All that the kernel can refuse: what is not in here would stay allowed.
uint64_t RefusableFileAccess(int version) {
  uint64_t access = (uint64_t{LANDLOCK_ACCESS_FS_MAKE_SYM} << 1) - 1;  // Version 1: up to this bit.
  if (version >= 2) access |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) access |= kTruncate;
  if (version >= 5) access |= kIoctlOfDevice;
  return access;
}

// What a rule for a file may have, rather than one for a directory; with more, the kernel refuses it.
constexpr uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE;

uint64_t AccessOf(FileRights rights) {
  uint64_t access = 0;
  if ((rights & kReadFiles) != 0) access |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  if ((rights & kWriteFiles) != 0) access |= LANDLOCK_ACCESS_FS_WRITE_FILE;
  if ((rights & kMakeFiles) != 0) access |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
  if ((rights & kStoreFiles) != 0) {
    access |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |
              LANDLOCK_ACCESS_FS_MAKE_DIR;
  }
  if ((rights & kExecuteFiles) != 0) access |= LANDLOCK_ACCESS_FS_EXECUTE;
  return access;
}

// O_PATH needs no right to read the file, and has no effect on a FIFO or a device.
absl::Status AddRule(int ruleset, const FileRule& rule) {
  const UniqueFd at(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  const bool is_missing = !at.ok() && (errno == ENOENT || errno == ENOTDIR || errno == EACCES);
  if (is_missing && rule.missing == Missing::kIsFine) return absl::OkStatus();
  struct stat info = {};
  if (!at.ok() || ::fstat(at.get(), &info) != 0) return SysError("open", rule.path);
  landlock_path_beneath_attr attributes = {};
  attributes.allowed_access = AccessOf(rule.rights) & (S_ISDIR(info.st_mode) ? ~uint64_t{0} : kOfFiles);
  attributes.parent_fd = at.get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &attributes, 0) != 0) {
    return SysError("landlock_add_rule", rule.path);
  }
  return absl::OkStatus();
}

absl::Status AddPort(int ruleset, uint16_t port) {
  const PortAttributes attributes = {.access = kConnectTcp, .port = port};
  const bool is_added = ::syscall(SYS_landlock_add_rule, ruleset, kRuleOfPort, &attributes, 0) == 0;
  return is_added ? absl::OkStatus() : SysError("landlock_add_rule", absl::StrCat("port ", port));
}

}  // namespace

absl::StatusOr<int> LandlockVersion() {
  const int64_t version = ::syscall(SYS_landlock_create_ruleset, nullptr, size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
  if (version >= 1) return static_cast<int>(version);
  const absl::Status status = SysError("landlock_create_ruleset");
  return absl::UnimplementedError(
      absl::StrCat("this system has no Landlock (Linux 5.13, with landlock among the security modules of the parameter "
                   "lsm=, and a container that allows it): ",
                   status.message()));
}

absl::Status RestrictFiles(const std::vector<FileRule>& rules, const std::vector<uint16_t>& tcp_ports) {
  const absl::StatusOr<int> version = LandlockVersion();
  if (!version.ok()) return version.status();
  const RulesetAttributes attributes = {.files = RefusableFileAccess(*version),
                                        .network = *version >= kLandlockWithTcp ? kConnectTcp : 0,
                                        .scopes = *version >= 6 ? kScopeOfSignals : 0};
  size_t known_bytes = sizeof(attributes.files);
  if (*version >= kLandlockWithTcp) known_bytes += sizeof(attributes.network);
  if (*version >= 6) known_bytes += sizeof(attributes.scopes);
  const UniqueFd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, known_bytes, 0)));
  if (!ruleset.ok()) return SysError("landlock_create_ruleset");
  for (const FileRule& rule : rules) {
    if (absl::Status status = AddRule(ruleset.get(), rule); !status.ok()) return status;
  }
  for (const uint16_t port : tcp_ports) {
    if (*version < kLandlockWithTcp) break;  // It refuses no port.
    if (absl::Status status = AddPort(ruleset.get(), port); !status.ok()) return status;
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return SysError("prctl(PR_SET_NO_NEW_PRIVS)");
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return SysError("landlock_restrict_self");
  return absl::OkStatus();
}

}  // namespace polyserve
