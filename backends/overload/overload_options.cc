#include "backends/overload/overload_options.h"

#include <gflags/gflags.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/command_line.h"

DEFINE_string(overload, "wait",
              "=wait|refuse|newest|deadline what to do when more comes than can be served: with connections above "
              "--max_connections, wait in the kernel's queue, or be refused; in models with a queue of their own, "
              "refuse what finds it full, serve the newest first, or refuse what has waited for too long");
DEFINE_int32(overload_queue, 0,
             "with --overload=refuse, newest or deadline: how many may wait; 0: 64 with refuse, otherwise 1024");
DEFINE_string(
    overload_target, "5ms",
    "=TIME with --overload=deadline: how long a request may wait while there is always another one that waits");
DEFINE_string(overload_interval, "100ms",
              "=TIME with --overload=deadline: how long it may wait otherwise, and after how long without a moment in "
              "which nothing waits --overload_target holds");

namespace polyserve {

namespace {

// A client of a pool that waits has a descriptor, of which few systems give a process more.
constexpr int kMostWaiting = 1'000'000;
// With `refuse` everything that waits is served, however long that takes, so the queue is short. The other rules bound
// the wait, and need the length against a flood alone.
constexpr int kWaitingWithRefuse = 64;
constexpr int kWaitingOtherwise = 1024;

absl::StatusOr<Overload> RuleFromFlag() {
  if (FLAGS_overload == "wait") return Overload::kWait;
  if (FLAGS_overload == "refuse") return Overload::kRefuse;
  if (FLAGS_overload == "newest") return Overload::kNewest;
  if (FLAGS_overload == "deadline") return Overload::kDeadline;
  return absl::InvalidArgumentError(
      absl::StrCat("--overload=", FLAGS_overload, " is not one of wait, refuse, newest, deadline"));
}

absl::StatusOr<absl::Duration> Time(absl::string_view name, const std::string& text) {
  absl::StatusOr<absl::Duration> time = ParseTimeFlag(name, text);
  if (time.ok() && (*time == absl::ZeroDuration() || *time == absl::InfiniteDuration())) {
    return absl::InvalidArgumentError(absl::StrCat("--", name, "=", text, " is no time that one could wait for"));
  }
  return time;
}

// A flag without effect is an error: its user expects one.
absl::Status CheckTimes(Overload rule, const OverloadOptions& options) {
  if (rule != Overload::kDeadline && (IsFlagSet("overload_target") || IsFlagSet("overload_interval"))) {
    return absl::InvalidArgumentError("--overload_target and --overload_interval go with --overload=deadline");
  }
  if (options.target <= options.interval) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--overload_target=", FLAGS_overload_target,
                                                 " is more than --overload_interval=", FLAGS_overload_interval));
}

// By its name: the flag is defined where the limit is, above this library. 0 is no limit.
bool HasConnectionLimit() {
  std::string most;
  return IsFlagSet("max_connections") && gflags::GetCommandLineOption("max_connections", &most) && most != "0";
}

}  // namespace

absl::StatusOr<OverloadOptions> OverloadOptionsFromFlags() {
  const absl::StatusOr<Overload> rule = RuleFromFlag();
  if (!rule.ok()) return rule.status();
  if (absl::Status status = CheckFlagRange("overload_queue", FLAGS_overload_queue, 0, kMostWaiting); !status.ok()) {
    return status;
  }
  const absl::StatusOr<absl::Duration> target = Time("overload_target", FLAGS_overload_target);
  if (!target.ok()) return target.status();
  const absl::StatusOr<absl::Duration> interval = Time("overload_interval", FLAGS_overload_interval);
  if (!interval.ok()) return interval.status();
  OverloadOptions options{.target = *target, .interval = *interval};
  if (absl::Status status = CheckTimes(*rule, options); !status.ok()) return status;
  if (*rule == Overload::kWait && IsFlagSet("overload_queue")) {
    return absl::InvalidArgumentError("--overload_queue goes with --overload=refuse, newest or deadline");
  }
  const bool is_about_limit = *rule == Overload::kRefuse && HasConnectionLimit() && !IsFlagSet("overload_queue");
  if (*rule == Overload::kWait || is_about_limit) return OverloadOptions();
  options.rule = *rule;
  options.most_waiting = *rule == Overload::kRefuse ? kWaitingWithRefuse : kWaitingOtherwise;
  if (FLAGS_overload_queue > 0) options.most_waiting = FLAGS_overload_queue;
  return options;
}

}  // namespace polyserve
