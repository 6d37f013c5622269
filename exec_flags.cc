#include "exec_flags.h"

#include <gflags/gflags.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/command_line.h"
#include "base/take.h"

DEFINE_bool(allow_exec, false,
            "let --listen name programs (exec:PROGRAM), which any client of that address then runs as this server's "
            "user: dangerous");
DEFINE_int32(exec_max, 64, "with exec: the most programs at a time, of all addresses together; others are turned away");
DEFINE_string(
    exec_kill_after, "2s",
    "=TIME with exec: how long a program may go on after SIGTERM, which it gets when its client has left, and "
    "towards the end of --drain_timeout");

namespace polyserve {

namespace {

constexpr int kMostPrograms = 10'000;
constexpr absl::Duration kLongestKillAfter = absl::Hours(1);

}  // namespace

// The other flags are checked even if there is no program: a malformed one must not pass.
absl::StatusOr<HostOptions> HostOptionsFromFlags(const std::vector<ListenSpec>& listen, bool has_sandbox) {
  HostOptions options = {};
  for (const ListenSpec& spec : listen) {
    if (!spec.program.empty()) options.commands.push_back(spec.program);
  }
  absl::Status status = CheckFlagRange("exec_max", FLAGS_exec_max, 1, kMostPrograms);
  status.Update(Take(ParseTimeFlag("exec_kill_after", FLAGS_exec_kill_after), options.kill_after));
  if (!status.ok()) return status;
  if (options.kill_after > kLongestKillAfter) {
    return absl::InvalidArgumentError(absl::StrCat("--exec_kill_after=", FLAGS_exec_kill_after, " is above 1h"));
  }
  options.max_programs = static_cast<size_t>(FLAGS_exec_max);
  if (options.commands.empty()) {
    for (const char* flag : {"exec_max", "exec_kill_after"}) {
      if (!IsFlagSet(flag)) continue;
      return absl::InvalidArgumentError(absl::StrCat("--", flag, " is for exec, which --listen does not name"));
    }
    return options;
  }
  if (!FLAGS_allow_exec) {
    return absl::InvalidArgumentError(
        "--listen: exec lets any client of its address run a program as this server's user; if that is meant, give "
        "--allow_exec");
  }
  if (has_sandbox) {
    return absl::InvalidArgumentError(
        "--sandbox=on lets no program start, and would not hold for it: leave exec out of --listen, or the sandbox");
  }
  return options;
}

}  // namespace polyserve
