// Shortages: what every part of the server does if the system has run out of something for now (descriptors, memory,
// locks): pauses, tries again, and logs it now and then. What was asked for is not lost: a client waits in the accept
// queue meanwhile.
#ifndef POLYSERVE_NET_SHORTAGE_H_
#define POLYSERVE_NET_SHORTAGE_H_

#include "absl/time/time.h"

namespace polyserve {

// The time between two attempts: long enough that a loop does not spin, short for a client that waits.
constexpr absl::Duration kShortagePause = absl::Milliseconds(100);

// For LOG_EVERY_T: a shortage may fail thousands of attempts a second, and lasts for minutes. An operator who looks at
// the log sees that it goes on, and the log stays readable.
constexpr int kSecondsBetweenShortageLogs = 10;

// Blocks the calling thread for kShortagePause, or until a signal comes. Event loops set a timer instead.
void PauseForShortage();

}  // namespace polyserve

#endif  // POLYSERVE_NET_SHORTAGE_H_
