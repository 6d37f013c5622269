// BoundCounters: how often each bound of the server was met, in memory that all of its processes share. A bound has a
// flag, after which its counter is named; /-/metrics and /-/status show them.
//
//   CountBound(counters, &BoundCounters::rate_per_address);
//
// Any thread of any process; nothing blocks.
#ifndef POLYSERVE_BASE_BOUND_COUNTERS_H_
#define POLYSERVE_BASE_BOUND_COUNTERS_H_

#include <atomic>
#include <cstdint>

namespace polyserve {

// All zeroes at first. Relaxed, since each is counted by itself, and rarely.
struct BoundCounters {
  std::atomic<int64_t> max_connections_per_address;  // Connections that were closed at once.
  std::atomic<int64_t> max_requests_per_connection;  // Connections that ended with their last request.
  std::atomic<int64_t> keep_alive_timeout;           // Connections on which the next request has not come in time.
  std::atomic<int64_t> gave_way;                     // Connections of a pool that ended because other clients waited.
  std::atomic<int64_t> request_timeout;              // Requests that have come too slowly.
  std::atomic<int64_t> idle_timeout;                 // Connections on which nothing has moved.
  std::atomic<int64_t> min_rate;                     // Connections whose peer was too slow.
  std::atomic<int64_t> rate_per_address;             // Requests that were refused.
  std::atomic<int64_t> library_quota;                // Uploads that were refused.
};

// Counts in one of them; `counters` may be null: nothing counts, as in most tests of a part of the server.
inline void CountBound(BoundCounters* counters, std::atomic<int64_t> BoundCounters::*bound) {
  if (counters != nullptr) (counters->*bound).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace polyserve

#endif  // POLYSERVE_BASE_BOUND_COUNTERS_H_
