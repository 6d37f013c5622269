// Statistics: what the server counts, in memory that all of its processes share.
#ifndef POLYSERVE_NET_STATISTICS_H_
#define POLYSERVE_NET_STATISTICS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/line_output.h"
#include "base/unique_fd.h"
#include "net/worker_slots.h"

namespace polyserve {

// Plain counters, updated without order (relaxed): each is exact, but two of them may be read at different moments.
struct alignas(64) Counters {         // A cache line of its own, so that loops that count do not slow each other down.
  std::atomic<int64_t> accepted{0};   // Connections that got a session.
  std::atomic<int64_t> ended{0};      // Of these, the ones that have ended.
  std::atomic<int64_t> refused{0};    // Connections that were closed at once, for want of something.
  std::atomic<int64_t> bytes_in{0};   // Read from peers.
  std::atomic<int64_t> bytes_out{0};  // Sent to peers.
  std::atomic<int64_t> requests{0};   // That were answered; see Output::CountRequest().
  std::atomic<int64_t> errors{0};     // Of these, the ones that were refused.

  static void Add(std::atomic<int64_t>& counter, int64_t amount) {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }
};

// Services are numbered from 0 on; what belongs to none, or to one beyond these, is counted together.
constexpr int kMaxServices = 15;
constexpr int kNoService = -1;

// Of a worker's counters those for a service, which lie behind those for none.
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

// Copies are cheap, and count in the same place.
class Statistics {
 public:
  static constexpr int kMaxWorkers = 1024;

  // New counters, all zero.
  static absl::StatusOr<Statistics> Create();
  // The counters behind a descriptor that another process created.
  static absl::StatusOr<Statistics> Map(UniqueFd fd);
  // Has all copies of this count there from now on; references to counters remain valid.
  absl::Status Adopt(UniqueFd fd) const;

  // The same, for one worker out of several that serve many clients each: counters() are its own. So they are not
  // fought for, and it is known how many clients a worker had that was killed.
  Statistics OfWorker(int slot) const;

  // The same for one of very many that come and go (a thread, a process for each client), with any number: as many rows
  // of counters as processors are shared by all of these.
  Statistics OfNewcomer(int64_t number) const { return OfWorker(static_cast<int>(number % newcomer_rows())); }
  static int newcomer_rows();

  // So many clients that the server has accepted are this worker's from now on; below zero: the other way round.
  void TakeOver(int service, int64_t clients) const;

  // This worker was killed: what it had open, but for `untaken` that are counted as its own and will be those of its
  // replacement, has ended. Returns how many those are.
  int64_t CountLost(int slot, int64_t untaken) const;

  // To count in; what has been counted in all is Total().
  Counters& counters() const { return *own_; }
  Totals Total() const;
  Totals TotalOf(int service) const;
  // Of this worker, or of the server; OfWorker() alone makes a difference.
  Totals OwnTotal() const;

  // Who serves; see WorkerSlot.
  WorkerSlots places() const;
  // Notes the end of clients whose worker was killed in its place. total().active() may be too high before.
  void Sweep() const;

  // How long ago these counters were created, whatever was done to the wall clock since.
  absl::Duration uptime() const;
  // How the logs fare, that all processes write to: the access log, and the server's own on standard error.
  LogHealth& access_log() const;
  LogHealth& server_log() const;
  // How often the root was opened, and who has it open; see files/root.h.
  std::atomic<int64_t>& root_openings() const;
  std::atomic<int64_t>& root_holder() const;

  int fd() const;  // To be handed to other programs; forked children share the memory anyway.

  // For a person: "accepted 12, active 2, refused 0, bytes in 3456, bytes out 7890".
  std::string ToString() const;

 private:
  static constexpr int kRowsOfWorker = 1 + kMaxServices;

  struct Table {
    std::atomic<int64_t> started;  // In microseconds of CLOCK_MONOTONIC, which all processes share.
    LogHealth access_log;
    LogHealth server_log;
    std::atomic<int64_t> root_openings;
    std::atomic<int64_t> root_holder;
    std::atomic<int> workers_in_use;
    // The server's, then the workers', and one for a pool's UDP worker. The kernel provides what is touched.
    Counters rows[(1 + kMaxWorkers + 1) * kRowsOfWorker];
    WorkerSlots::Table places;
  };
  struct Page {
    UniqueFd fd;
    Table* table;
    ~Page();
  };

  explicit Statistics(std::shared_ptr<const Page> page) : page_(std::move(page)), own_(page_->table->rows) {}

  Totals Sum(int first_row, int step, int end_row) const;
  int RowsInUse() const;

  std::shared_ptr<const Page> page_;
  Counters* own_;
};

// The place of the calling thread among the workers, as long as it lives; see WorkerSlots::Take().
class WorkerSlot {
 public:
  explicit WorkerSlot(const Statistics& statistics, int64_t clients = 0)
      : statistics_(statistics), place_(statistics.places().Take(clients)) {}
  ~WorkerSlot() { statistics_.places().Leave(place_); }
  WorkerSlot(const WorkerSlot&) = delete;
  WorkerSlot& operator=(const WorkerSlot&) = delete;

 private:
  const Statistics statistics_;
  const int place_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_STATISTICS_H_
