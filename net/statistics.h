// Statistics: what the server counts, in memory that all of its processes share. Each worker counts in a row of its
// own, so that workers do not contend for cache lines; a sum over all rows is made when it is asked for.
//
//   row      server         worker 0       worker 1 ...
//            ┌────────────┐ ┌────────────┐
//            │ no service │ │ no service │     counters(): the row's first, and OfService(counters(), n)
//            │ service 0  │ │ service 0  │     Total(): the sum over all rows, TotalOf(n): over one service's
//            │ ...        │ │ ...        │
//
// Any thread of any process may call it; nothing blocks or takes a lock.
#ifndef POLYSERVE_NET_STATISTICS_H_
#define POLYSERVE_NET_STATISTICS_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/worker_slots.h"

namespace polyserve {

struct LogHealth;
class ConnectionTable;
class LogFloods;

// Counters with relaxed ordering: each is exact, but two of them may be read at different moments. Monotonic, except
// that TakeOver() moves `accepted` from row to row.
struct alignas(64) Counters {         // One cache line, so that workers do not slow each other down by counting.
  std::atomic<int64_t> accepted{0};   // Connections that were accepted to be served, also if they were refused later.
  std::atomic<int64_t> ended{0};      // Accepted connections that have ended.
  std::atomic<int64_t> refused{0};    // Connections closed at once: over a limit, or for lack of a resource.
  std::atomic<int64_t> bytes_in{0};   // Read from peers.
  std::atomic<int64_t> bytes_out{0};  // Sent to peers.
  std::atomic<int64_t> requests{0};   // Answered requests; see Output::CountRequest().
  std::atomic<int64_t> errors{0};     // Requests answered with an error.

  static void Add(std::atomic<int64_t>& counter, int64_t amount) {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }
};

// A queue of the server's own: of tasks between a loop and its helpers (backends/connection/offload.h), of requests at
// a loop, or of clients at a pool (backends/overload). Each loop has one, and counts in its own row; a pool counts in
// the server's. Relaxed, as Counters.
struct alignas(64) QueueCounters {
  std::atomic<int64_t> tasks{0};      // That were ever in the queue.
  std::atomic<int64_t> waiting{0};    // That are in it now: nobody has begun with them.
  std::atomic<int64_t> longest{0};    // The most that ever were.
  std::atomic<int64_t> waited_us{0};  // Microseconds that those have waited, in all, whose turn has come.
  std::atomic<int64_t> longest_wait_us{0};
  std::atomic<int64_t> refused{0};  // Refused because the queue was full,
  std::atomic<int64_t> dropped{0};  // or because they had waited for too long.
  std::atomic<int64_t> stolen{0};   // Taken from another worker's queue, by the worker of this one.

  // One more waits, and so many do now. / One's turn has come after this time. Not two of these calls at a time.
  void CountArrival(int64_t length);
  void CountTurn(std::chrono::nanoseconds waited);
};

// Over all queues: sums, but of the longest ones the largest.
struct QueueTotals {
  int64_t tasks = 0;
  int64_t waiting = 0;
  int64_t longest = 0;
  int64_t waited_us = 0;
  int64_t longest_wait_us = 0;
  int64_t refused = 0;
  int64_t dropped = 0;
  int64_t stolen = 0;

  void Add(const QueueCounters& queue);
};

// Services are numbered from 0. Events of no service, or of a service beyond these, share one row.
constexpr int kMaxServices = 15;
constexpr int kNoService = -1;

// A worker's counters for a service. They follow its counters for no service in memory.
inline Counters& OfService(Counters& own, int service) {
  return (&own)[service >= 0 && service < kMaxServices ? 1 + service : 0];
}

// The sums, at one moment.
struct Totals {
  int64_t accepted = 0;
  int64_t ended = 0;
  int64_t refused = 0;
  int64_t bytes_in = 0;
  int64_t bytes_out = 0;
  int64_t requests = 0;
  int64_t errors = 0;

  int64_t active() const { return accepted - ended; }
};

// When a stop will be over, in microseconds of Statistics::uptime(). The server's main process fills it, so that all
// can say so; zeroes while the server does not stop, and for its first 50 ms.
struct StopTimes {
  std::atomic<int64_t> grace_end;
  std::atomic<int64_t> drain_end;  // INT64_MAX: --drain_timeout=inf.
};

// A handle: copies are cheap, and share the same counters, but each has its own row to count in. A descendant that is
// forked has the same memory at once; a fresh program image gets the descriptor, and calls Map() or Adopt().
class Statistics {
 public:
  // Rows are reserved for this many workers; their pages cost no memory until they are used.
  static constexpr int kMaxWorkers = 1024;

  // New counters, all zero. Fails if memory or descriptors are lacking.
  static absl::StatusOr<Statistics> Create();
  // The counters behind a descriptor that another process created. Fails if the system has no memory to map.
  static absl::StatusOr<Statistics> Map(UniqueFd fd);
  // In a fresh program image: redirects all copies of this object to the counters behind this descriptor; references to
  // counters remain valid. Call it before anything is counted there. Fails only if memory or descriptors are lacking.
  absl::Status Adopt(UniqueFd fd) const;

  // The same statistics for one of several workers that serve many clients each: counters() are its own row, without
  // contention, and if the worker is killed the row tells how many clients it had.
  Statistics OfWorker(int slot) const;

  // The same for one of many short-lived workers (a thread or process per client), of any number: they share as many
  // rows as there are processors.
  Statistics OfNewcomer(int64_t number) const;
  static int newcomer_rows();

  // Moves `clients` accepted clients from the server's row to this worker's; if negative, the other way round. For a
  // client that one process accepts and another one serves: if the worker is killed, its row tells that the client was
  // its own.
  void TakeOver(int service, int64_t clients) const;

  // Call after this worker was killed: counts its open connections as ended, except for `untaken` ones in its queue,
  // which its replacement will take, and empties its queue of tasks. Returns how many were lost.
  int64_t CountLost(int slot, int64_t untaken) const;

  // The row to count in; Total() is the sum of all rows.
  // Valid as long as any copy of this object.
  Counters& counters() const { return *own_; }
  // Sums of all rows, and of one service in all rows. Cost a walk over the rows in use: for reports, not for requests.
  Totals Total() const;
  Totals TotalOf(int service) const;
  // The sum of this worker's rows (after OfWorker()), or of the server's.
  Totals OwnTotal() const;
  // The requests that this worker has answered since it took its slot; nothing if it counts in rows that it shares with
  // others (OfNewcomer()).
  std::optional<int64_t> RequestsOf(const WorkerSlots::Worker& worker) const;

  // The queue of this worker, or of the server. Valid as long as any copy of this object.
  QueueCounters& queue() const;
  QueueTotals TotalOfQueues() const;

  // The table of the workers that are alive; see WorkerSlot. Valid as long as any copy of this object.
  WorkerSlots places() const;
  // The table of the open connections, for a look at what the server does. Valid as long as any copy of this object.
  ConnectionTable connections() const;
  // Counts the clients of killed workers as ended. Until then Total().active() may be too high. Costs system calls; see
  // net/worker_slots.h. For models in which no parent learns of each worker's end; in a pool CountLost() does it.
  void Sweep() const;

  // Time since these counters were created, by a clock that cannot be set.
  absl::Duration uptime() const;
  // The health of the logs that all processes write to: the access log, and the server's own on standard error.
  LogHealth& access_log() const;
  LogHealth& server_log() const;
  // What was left out of the server's own log; see base/log_flood.h.
  LogFloods& log_floods() const;
  // How often the root was opened, and which process has it open; see files/root.h.
  std::atomic<int64_t>& root_openings() const;
  std::atomic<int64_t>& root_holder() const;
  // How often the certificates were read, and the secret behind the keys of session tickets; see protocol/tls.
  std::atomic<int64_t>& certificate_readings() const;
  static constexpr size_t kSecretBytes = 32;
  const uint8_t* secret() const;  // kSecretBytes random bytes, the same in all processes of the server.

  // Memory for what else the processes of a server share, aligned as a cache line, all zeroes at first. Its pages cost
  // no memory until they are used. The same address as long as any copy of this object; after Adopt(), the server's.
  static constexpr size_t kExtraBytes = size_t{1} << 20;
  void* extra_memory() const;

  StopTimes& stop_times() const;

  int fd() const;  // For Map() in a fresh program image; forked children share the memory anyway.

  // For a person: "accepted 12, active 2, refused 0, bytes in 3456, bytes out 7890".
  std::string ToString() const;

 private:
  // A worker has a row for events of no service, then one for each service.
  static constexpr int kRowsOfWorker = 1 + kMaxServices;

  struct Table;  // The shared memory.
  struct Page;   // Its mapping in this process.

  explicit Statistics(std::shared_ptr<const Page> page);

  Totals Sum(int first_row, int step, int end_row) const;
  int RowsInUse() const;
  WorkerSlots::Account OwnAccount() const;
  friend class WorkerSlot;
  int own_row() const;

  std::shared_ptr<const Page> page_;
  Counters* own_;
  bool shares_rows_ = false;  // With other newcomers.
};

// Lists the calling thread as a worker for as long as this object lives; see WorkerSlots::Take(). Make it a local
// variable of what the thread runs.
class WorkerSlot {
 public:
  explicit WorkerSlot(const Statistics& statistics, int64_t clients = 0);
  ~WorkerSlot();
  WorkerSlot(const WorkerSlot&) = delete;
  WorkerSlot& operator=(const WorkerSlot&) = delete;

 private:
  const Statistics statistics_;
  const int place_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_STATISTICS_H_
