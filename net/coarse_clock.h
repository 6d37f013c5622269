// The idle time-out of drivers that serve many clients in one thread: a clock that ticks a few times per time-out, and
// for each connection the tick at which something last moved. No request then costs a look at the clock, or a timer of
// its own. How a connection is judged by such a clock: net/progress_watch.h.
#ifndef POLYSERVE_NET_COARSE_CLOCK_H_
#define POLYSERVE_NET_COARSE_CLOCK_H_

#include <cstdint>

namespace polyserve {

// The ticks in one idle time-out. A connection is thus closed late by a quarter of the time-out at most.
constexpr uint32_t kTicksPerTimeout = 4;

}  // namespace polyserve

#endif  // POLYSERVE_NET_COARSE_CLOCK_H_
