// File rules: what a process may still do with files, decided by the kernel for each open, link and renaming (Landlock,
// landlock(7), Linux 5.13). What is open already is not affected. The rules hold for all processes that this one starts
// from then on, also by execve(2), and nothing takes them back.
//
//   RestrictFiles({{"/srv/files", kReadFiles | kStoreFiles}, {"/proc", kReadFiles, Missing::kIsFine}})
#ifndef POLYSERVE_LIFECYCLE_FILE_RULES_H_
#define POLYSERVE_LIFECYCLE_FILE_RULES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace polyserve {

// Of a file, or of all that is beneath a directory.
using FileRights = uint32_t;
inline constexpr FileRights kReadFiles = 1;   // And list directories.
inline constexpr FileRights kWriteFiles = 2;  // Those that are there.
inline constexpr FileRights kMakeFiles = 4;   // Regular ones, to write to.
inline constexpr FileRights kStoreFiles = 8;  // Make, write, rename and remove files, and make directories.
inline constexpr FileRights kExecuteFiles = 16;

enum class Missing { kIsAnError, kIsFine };

struct FileRule {
  std::string path;  // A relative one starts at the current directory. Symbolic links are followed, now and once.
  FileRights rights;
  Missing missing = Missing::kIsAnError;
};

// The version of Landlock that the kernel has, at least 1. Unimplemented, in words for the user: it has none, or it is
// switched off.
absl::StatusOr<int> LandlockVersion();

// The first version that also knows TCP (Linux 6.7).
inline constexpr int kLandlockWithTcp = 4;

// Leaves what the rules allow, to the calling thread and to all that it starts from now on: call it before there are
// others. Also forbids to connect by TCP, but to these ports, and to signal processes that are not under the same
// rules, if the kernel's version has that. Needs no privileges: it gives up gaining any by execve(2)
// (PR_SET_NO_NEW_PRIVS). An error names the path; nothing is restricted then.
//
// Landlock leaves some calls alone: stat(2), chdir(2), and those that change a file's mode, owner, times and attributes
// (landlock(7)). The latter are for CallFilter to refuse.
absl::Status RestrictFiles(const std::vector<FileRule>& rules, const std::vector<uint16_t>& tcp_ports = {});

}  // namespace polyserve

#endif  // POLYSERVE_LIFECYCLE_FILE_RULES_H_
