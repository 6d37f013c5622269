#include "process_flags.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

DEFINE_string(
    user, "",
    "=NAME become this user once the files are open; may bind ports below 1024 before; only root can do that");
DEFINE_string(group, "", "=NAME with --user: the only group, instead of those of the user");
DEFINE_string(
    chroot, "",
    "=DIR make this directory the root of all paths, those of the other flags as well; only root can do that");
DEFINE_string(sandbox, "off",
              "=off|on leave the server the files beneath --root, those that SIGHUP reads, and the system calls that "
              "serving needs (Landlock, seccomp)");

namespace polyserve {

absl::StatusOr<ProcessOptions> ProcessOptionsFromFlags() {
  if (FLAGS_sandbox != "off" && FLAGS_sandbox != "on") {
    return absl::InvalidArgumentError(absl::StrCat("--sandbox=", FLAGS_sandbox, " is not one of off, on"));
  }
  return ProcessOptions{.privileges = {.user = FLAGS_user, .group = FLAGS_group, .chroot = FLAGS_chroot},
                        .has_sandbox = FLAGS_sandbox == "on"};
}

}  // namespace polyserve
