// LoadPlan: what the load generator is to do.
//
//   closed loop  each connection sends its next request as soon as the reply to the one before is there.
//   open loop    requests are due at the times of Arrivals, whatever the server does. One that finds all connections
//                waiting for replies waits as well, and this wait is part of its response time.
#ifndef POLYSERVE_CLIENT_LOAD_PLAN_H_
#define POLYSERVE_CLIENT_LOAD_PLAN_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "client/load/arrivals.h"
#include "client/load/exchange.h"
#include "net/endpoint.h"

namespace polyserve {

class LoadThread;
struct LoadPlan;

// Makes what one thread does, of its share of the plan; see load_thread.h.
using LoadThreadFactory = std::function<std::unique_ptr<LoadThread>(const LoadPlan& share)>;

struct LoadPlan {
  std::string workload;  // Its name, for the report.
  Endpoint to;
  LoadThreadFactory make_thread;  // Null: exchanges, which make_exchange makes.
  ExchangeFactory make_exchange;
  int connections = 1;
  int idle_connections = 0;  // Beside those; they say nothing.
  int threads = 1;
  int depth = 1;  // Requests that a connection has on their way at a time (pipelining); closed loop.
  std::string depth_in_words = "requests on their way in each";  // For the report.
  bool connection_each = false;    // A new connection for each request; the connecting is part of its time.
  bool asking_takes_time = false;  // Exchange::Ask() does, so that the clock has to be read after it.
  std::optional<double> rate;      // Requests per second: open loop.
  double phase = 0;                // Of the arrivals; see there.
  Arrivals::Kind arrivals = Arrivals::Kind::kPoisson;
  uint64_t seed = 1;
  absl::Duration warm_up = absl::ZeroDuration();  // Not counted.
  absl::Duration duration = absl::Seconds(10);
  absl::Duration patience = absl::Seconds(10);  // For connecting, and for replies that are due at the end.
  // Looks at what the run has left when it is over, and returns what is wrong with it (LoadTally::faults). Null:
  // nothing is left.
  std::function<std::vector<std::string>()> inspect;
  // Is called when counting begins, and when it ends, in the thread that RunLoad() was called in. Null: nobody is told.
  std::function<void(bool begins)> on_counting;
  const std::atomic<bool>* interrupted = nullptr;  // The run ends as soon as it is true. Null: it runs its time.
  std::vector<LoadPlan> beside;                    // Carried out at the same time, by threads of their own.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_PLAN_H_
