// Take(): keeps what was made, unless there is an error. So one line reads a flag, or opens a part of an object:
//
//   absl::Status status = Take(ParseTimeFlag("stop_notice", FLAGS_stop_notice), schedule.notice);
//   status.Update(Take(ParseTimeFlag("stop_grace", FLAGS_stop_grace), schedule.grace));
//   return status;   // The first error: a user sees one at a time, in the order of the checks.
//
// Not for errors that need a word more, such as the flag they come from. Any thread.
#ifndef POLYSERVE_BASE_TAKE_H_
#define POLYSERVE_BASE_TAKE_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace polyserve {

// Returns the error of `made`, and leaves `value` as it is; or moves what was made into it. That may be of another
// type, such as an optional.
template <typename T, typename Value>
[[nodiscard]] absl::Status Take(absl::StatusOr<T> made, Value& value) {
  if (!made.ok()) return made.status();
  value = *std::move(made);
  return absl::OkStatus();
}

}  // namespace polyserve

#endif  // POLYSERVE_BASE_TAKE_H_
