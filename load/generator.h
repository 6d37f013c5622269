// The load generator's engine: keeps connections busy by a plan, and tallies what happened. Each thread has an epoll of
// its own and a share of the connections; they share nothing while they run.
//
//   closed loop  each connection sends its next request as soon as the reply to the one before is there.
//   open loop    requests are due at the times of Arrivals, whatever the server does. One that finds all connections
//                waiting for replies waits as well, and this wait is part of its response time.
#ifndef POLYSERVE_LOAD_GENERATOR_H_
#define POLYSERVE_LOAD_GENERATOR_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "load/arrivals.h"
#include "load/exchange.h"
#include "load/histogram.h"
#include "net/endpoint.h"

namespace polyserve {

struct LoadPlan {
  Endpoint to;
  ExchangeFactory make_exchange;
  int connections = 1;
  int idle_connections = 0;  // Beside those; they say nothing.
  int threads = 1;
  int depth = 1;                 // Requests that a connection has on their way at a time (pipelining); closed loop.
  bool connection_each = false;  // A new connection for each request; the connecting is part of its time.
  std::optional<double> rate;    // Requests per second: open loop.
  Arrivals::Kind arrivals = Arrivals::Kind::kPoisson;
  uint64_t seed = 1;
  absl::Duration warm_up = absl::ZeroDuration();  // Not counted.
  absl::Duration duration = absl::Seconds(10);
  absl::Duration patience = absl::Seconds(10);  // For connecting, and for replies that are due at the end.
};

// What happened between the end of the warm-up and the end; times in nanoseconds. Requests count by when they were due.
struct LoadTally {
  Histogram service;   // From when a request was sent to the end of its reply.
  Histogram response;  // From when it was due; in a closed loop the same.
  uint64_t replies = 0;
  uint64_t bytes_in = 0;
  uint64_t due = 0;         // In an open loop: how many should have been sent.
  uint64_t unanswered = 0;  // Were due, and got no reply, also not after `patience`. Their age is in `response`.
  uint64_t wrong = 0;       // Replies that were not what they had to be.
  uint64_t broken = 0;      // Connections that the server has closed or reset.
  uint64_t not_connected = 0;
  int connected = 0;                 // At the beginning, idle ones included.
  std::vector<uint64_t> per_second;  // Replies, by when they came.
  std::vector<uint64_t> per_connection;
  double seconds = 0;
  double busiest_thread = 0;  // The share of a processor that it took.
};

// Carries the plan out. Unavailable: not all connections could be made. All else is in the tally.
absl::StatusOr<LoadTally> RunLoad(const LoadPlan& plan);

// Jain's index of fairness: 1 where all got the same, 1/n where one got all ("A Quantitative Measure of Fairness", DEC
// TR-301, 1984).
double FairnessIndex(const std::vector<uint64_t>& shares);

}  // namespace polyserve

#endif  // POLYSERVE_LOAD_GENERATOR_H_
