// CountWait: what a queue of clients counts when one of them has its turn: each microsecond that has begun, so that a
// wait is never nothing. Any thread; if two count in the same row at once, the longer wait may be lost as the longest.
#ifndef POLYSERVE_BACKENDS_COUNT_WAIT_H_
#define POLYSERVE_BACKENDS_COUNT_WAIT_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "net/statistics.h"

namespace polyserve {

inline void CountWait(std::chrono::steady_clock::duration waited, QueueCounters& counters) {
  const int64_t us = std::chrono::ceil<std::chrono::microseconds>(waited).count();
  counters.waited_us.fetch_add(us, std::memory_order_relaxed);
  if (us > counters.longest_wait_us.load(std::memory_order_relaxed)) {
    counters.longest_wait_us.store(us, std::memory_order_relaxed);
  }
}

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_COUNT_WAIT_H_
