#include "backends/connection/ack_wait.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <chrono>

namespace polyserve {

namespace {

using Clock = std::chrono::steady_clock;

// Linux delays the acknowledgement of a small segment by 40 to 200 ms (TCP_DELACK_MIN, TCP_DELACK_MAX), so this adds
// little to it.
constexpr absl::Duration kAskAgain = absl::Milliseconds(5);

// SIOCOUTQ counts what is not acknowledged, write_seq - snd_una in the kernel's tcp_ioctl(), although tcp(7) says
// "unsent"; the unsent bytes alone are SIOCOUTQNSD. A socket that cannot be asked counts as acknowledged: there is
// nothing to wait for.
bool IsAcknowledged(int fd) {
  int unacknowledged = 0;
  if (::ioctl(fd, SIOCOUTQ, &unacknowledged) != 0 || unacknowledged == 0) return true;
  pollfd socket = {fd, 0, 0};  // After a reset nothing is acknowledged any more: let the next send find out.
  return ::poll(&socket, 1, 0) == 1;
}

}  // namespace

// The pause begins with the acknowledgement, not with the send: the silence is to separate two messages at the peer,
// and a retransmission on the way would use it up.
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
