#include "lifecycle/sandbox.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

namespace {

absl::Status WithFlag(const absl::Status& status) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat("--sandbox=on: ", status.message()));
}

}  // namespace

absl::Status Sandbox::Check() const {
  if (!is_on_) return absl::OkStatus();
  const absl::StatusOr<int> version = LandlockVersion();
  if (!version.ok()) return WithFlag(version.status());
  // A ring makes sockets that the filter does not see.
  if (options_.calls.has_rings && *version < kLandlockWithTcp) {
    return WithFlag(absl::UnimplementedError(
        "a model with rings needs Linux 6.7: no filter of system calls sees what a ring does, and the Landlock of this "
        "kernel knows no TCP; choose another model, for example --model=epoll"));
  }
  return WithFlag(CheckCallFilter());
}

absl::Status Sandbox::RestrictFiles() const {
  return is_on_ ? WithFlag(polyserve::RestrictFiles(options_.files, options_.tcp_ports)) : absl::OkStatus();
}

absl::Status Sandbox::RestrictCalls() const { return RestrictCallsTo(options_.calls); }

absl::Status Sandbox::RestrictCallsTo(const CallNeeds& needs) const {
  return is_on_ ? WithFlag(polyserve::RestrictCalls(needs)) : absl::OkStatus();
}

}  // namespace polyserve
