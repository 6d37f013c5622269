// Statistics: what the server counts, in memory that all of its processes share.
#ifndef POLYSERVE_NET_STATISTICS_H_
#define POLYSERVE_NET_STATISTICS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace polyserve {

// Plain counters, updated without order (relaxed): each is exact, but two of them may be read at different moments.
struct alignas(64) Counters {         // A cache line of its own, so that loops that count do not slow each other down.
  std::atomic<int64_t> accepted{0};   // Connections that got a session.
  std::atomic<int64_t> ended{0};      // Of these, the ones that have ended.
  std::atomic<int64_t> refused{0};    // Connections that were closed at once, for want of something.
  std::atomic<int64_t> bytes_in{0};   // Read from peers.
  std::atomic<int64_t> bytes_out{0};  // Sent to peers.

  static void Add(std::atomic<int64_t>& counter, int64_t amount) {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }
};

// The sums, at one moment.
struct Totals {
  int64_t accepted = 0;
  int64_t ended = 0;
  int64_t refused = 0;
  int64_t bytes_in = 0;
  int64_t bytes_out = 0;

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

  // The same, for one worker out of several that serve many clients each: counters() are its own. So they are not
  // fought for, and it is known how many clients a worker had that was killed.
  Statistics OfWorker(int slot) const;

  // This worker was killed: what it had open, but for `untaken` that are counted as its own and will be those of its
  // replacement, has ended. Returns how many those are.
  int64_t CountLost(int slot, int64_t untaken) const;

  // To count in; what has been counted in all is Total().
  Counters& counters() const { return *own_; }
  Totals Total() const;

  int fd() const;  // To be handed to other programs; forked children share the memory anyway.

  // For a person: "accepted 12, active 2, refused 0, bytes in 3456, bytes out 7890".
  std::string ToString() const;

 private:
  struct Table {
    std::atomic<int> rows_in_use{0};
    Counters rows[1 + kMaxWorkers];  // The server's, then the workers'. The kernel provides what is touched.
  };
  struct Page {
    UniqueFd fd;
    Table* table;
    ~Page();
  };

  explicit Statistics(std::shared_ptr<const Page> page) : page_(std::move(page)), own_(page_->table->rows) {}

  std::shared_ptr<const Page> page_;
  Counters* own_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_STATISTICS_H_
