// LoadPlan: everything that defines a run of the load generator. Plain data; RunLoad() (generator.h) executes it.
//
//   closed loop  each connection sends its next request when the reply to the previous one has arrived. A slow server
//                gets fewer requests.
//   open loop    requests are due at the times of Arrivals, whatever the server does. If all connections are waiting
//                for replies, the request waits too, and this wait is part of its response time.
//
// The closed loop finds the server's capacity; its times hide a stall, since nothing is sent during one. The open loop
// shows the times that users of a given rate would see, up to that capacity.
//
//   start ── warm_up: not counted ──▶ counting begins ── duration ──▶ counting ends ── at most patience ──▶ end
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
#include "client/load/rate_profile.h"
#include "net/endpoint.h"

namespace polyserve {

class LoadThread;
class LoadTls;
struct LoadPlan;

// Clients that give up, and perhaps try again; see impatient_clients.h.
struct Impatience {
  enum class Retry { kNone, kAtOnce, kBackOff };

  absl::Duration give_up;  // How long a client waits in a try.
  Retry retry = Retry::kNone;
  int tries = 3;  // At most, unless kNone.
};

// Creates a thread's work from its share of the plan; see load_thread.h. Called before the threads start.
using LoadThreadFactory = std::function<std::unique_ptr<LoadThread>(const LoadPlan& share)>;

// The load generator's main() fills it from the flags, and Workload::prepare() completes it. RunLoad() gives each
// thread a copy with its share of the connections and of the rate. Its bounds are checked before that, by MakePlan()
// (plan_flags.h) and by prepare().
struct LoadPlan {
  std::string workload;  // Its name, for the report.
  Endpoint to;           // The server's one address: a name with several was resolved before.
  // Null: in the clear. LoadWorkers alone know it, and not with `datagrams`.
  std::shared_ptr<const LoadTls> tls;
  // What to say: either threads of a kind of their own, or (if make_thread is null) LoadWorkers with exchanges.
  LoadThreadFactory make_thread;
  ExchangeFactory make_exchange;
  int connections = 1;       // Of all threads together; at least one for each.
  int idle_connections = 0;  // In addition; they send nothing.
  int threads = 1;           // Of each agent.
  // The hosts that execute the plan together, and which of them this one is, from 0 on. Each makes the whole plan, and
  // does its share of it (plan_share.h); connections, rates and requests are those of all together.
  int agents = 1, agent = 0;
  int first_connection = 0;  // Of a share: the number of its first connection among all.
  int depth = 1;             // Requests under way on a connection at a time (pipelining); closed loop only.
  std::string depth_in_words = "requests on their way in each";  // For the report.
  bool datagrams = false;          // By UDP: a connection is a socket, and a request or reply a datagram.
  bool connection_each = false;    // A new connection for each request; connecting is part of its time.
  bool asking_takes_time = false;  // Exchange::Ask() is slow, so that the clock must be read after it.
  std::optional<double> rate;      // Requests per second, of all threads together. Set: open loop.
  // How the rate changes from when counting begins; `rate` is its mean then, and `duration` its length. Before that, in
  // the warm-up, it is what the profile begins with. Null: the rate stays the same. Shared by all threads.
  std::shared_ptr<const RateProfile> profile;
  double share = 1;                                     // Of the requests of the profile: this thread's.
  std::optional<Impatience> impatience = std::nullopt;  // Open loop only. Nothing: clients wait.
  double phase = 0;                                     // See Arrivals.
  Arrivals::Kind arrivals = Arrivals::Kind::kPoisson;   // Open loop only.
  uint64_t seed = 1;                                    // Of random arrivals. The same seed gives the same times.
  absl::Duration warm_up = absl::ZeroDuration();
  absl::Duration duration = absl::Seconds(10);
  absl::Duration interval = absl::Seconds(1);  // Replies are counted for each one; see LoadTally::per_interval.
  bool keeps_rows = false;  // Response times are kept for each interval, too; see LoadTally::response_per_interval.
  absl::Duration patience = absl::Seconds(10);  // For connecting, and for replies outstanding at the end.
  // Checks the server's state after the run, and returns a sentence for each fault (LoadTally::faults). Called when all
  // threads have ended, in the thread that called RunLoad(); may block. May be null.
  std::function<std::vector<std::string>()> inspect;
  // Called when counting begins and when it ends, in the thread that called RunLoad(), while the load goes on. It may
  // be late by as much as that thread waits for a processor. May be null.
  std::function<void(bool begins)> on_counting;
  const std::atomic<bool>* interrupted = nullptr;  // Ends the run early when it becomes true. May be null.
  std::vector<LoadPlan> beside;                    // Executed at the same time, by threads of their own.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_PLAN_H_
