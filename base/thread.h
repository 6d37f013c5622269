// Threads whose start can fail: std::thread reports that the system has none left by an exception, which ends here.
//
//   absl::StatusOr<std::thread> thread = StartThreadWithoutSignals([this] { Run(); });
//   if (!thread.ok()) return thread.status();
#ifndef POLYSERVE_BASE_THREAD_H_
#define POLYSERVE_BASE_THREAD_H_

#include <system_error>
#include <thread>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace polyserve {

// A thread that runs this; the caller joins or detaches it. Unavailable: the system has no thread left (EAGAIN of
// pthread_create(3)); nothing was run. Any thread.
template <typename Run>
absl::StatusOr<std::thread> StartThread(Run run) {
  try {
    return std::thread(std::move(run));
  } catch (const std::system_error& error) {
    return absl::UnavailableError(absl::StrCat("cannot start a thread: ", error.what()));
  }
}

// The same with all signals blocked in the new thread, so that they are the other threads' to take and end none of its
// calls (EINTR). They are blocked before it exists: with a mask that it set itself, a signal could reach it first.
absl::StatusOr<std::thread> StartThreadWithoutSignals(absl::AnyInvocable<void()> run);

}  // namespace polyserve

#endif  // POLYSERVE_BASE_THREAD_H_
