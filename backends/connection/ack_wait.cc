#include "backends/connection/ack_wait.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <chrono>

namespace polyserve {

namespace {

using Clock = std::chrono::steady_clock;

// Acknowledgements of small segments are delayed by up to 40 ms.
constexpr absl::Duration kAskAgain = absl::Milliseconds(5);

bool IsAcknowledged(int fd) {
  int unacknowledged = 0;
  if (::ioctl(fd, SIOCOUTQ, &unacknowledged) != 0 || unacknowledged == 0) return true;
  pollfd socket = {fd, 0, 0};  // After a reset nothing is acknowledged any more: let the next send find out.
  return ::poll(&socket, 1, 0) == 1;
}

}  // namespace

absl::Duration AckWaitLeft(int fd, Output& output) {
  Output::PauseBeforeWork& pause = output.pause();
  if (pause.length == absl::ZeroDuration()) return absl::ZeroDuration();
  if (!pause.end.has_value()) {
    if (!IsAcknowledged(fd)) return kAskAgain;
    pause.end = Clock::now() + absl::ToChronoNanoseconds(pause.length);
  }
  const absl::Duration left = absl::FromChrono(*pause.end - Clock::now());
  if (left > absl::ZeroDuration()) return left;
  pause = {};
  return absl::ZeroDuration();
}

}  // namespace polyserve
