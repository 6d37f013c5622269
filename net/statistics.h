// Statistics: what the server counts, in memory that all of its processes share.
#ifndef POLYSERVE_NET_STATISTICS_H_
#define POLYSERVE_NET_STATISTICS_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace polyserve {

// Plain counters, updated without order (relaxed): each is exact, but two of them may be read at different moments.
struct Counters {
  std::atomic<int64_t> accepted{0};   // Connections that got a session.
  std::atomic<int64_t> ended{0};      // Of these, the ones that have ended.
  std::atomic<int64_t> refused{0};    // Connections that were closed at once, for want of something.
  std::atomic<int64_t> bytes_in{0};   // Read from peers.
  std::atomic<int64_t> bytes_out{0};  // Sent to peers.

  static void Add(std::atomic<int64_t>& counter, int64_t amount) {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }
};

class Statistics {
 public:
  // New counters, all zero.
  static absl::StatusOr<Statistics> Create();
  // The counters behind a descriptor that another process created.
  static absl::StatusOr<Statistics> Map(UniqueFd fd);

  Statistics(Statistics&& other) noexcept;
  Statistics& operator=(Statistics&& other) noexcept;
  ~Statistics();

  Counters& counters() const { return *counters_; }
  int fd() const { return fd_.get(); }  // To be handed to other programs; forked children share the memory anyway.

  // For a person: "accepted 12, active 2, refused 0, bytes in 3456, bytes out 7890".
  std::string ToString() const;

 private:
  Statistics(UniqueFd fd, Counters* counters) : fd_(std::move(fd)), counters_(counters) {}

  UniqueFd fd_;
  Counters* counters_;
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_STATISTICS_H_
