// RequestTimes: where the time of requests went, as histograms in memory that all processes of the server share. One
// request in N is timed (--time_requests=N), and what each of these spent in each part is added here; the parts of a
// request add up to the time from the arrival of its last byte to the moment when the kernel has all of the reply.
//
//   backends/connection/timed_turn.h      which requests are timed
//   backends/connection/timed_request.h   the parts of one of them ── Add() ─▶ Table ── FiguresOf() ─▶ report.cc
//
// Any thread of any process may call it; nothing blocks or takes a lock. All threads share a row, since few requests
// are timed.
#ifndef POLYSERVE_NET_REQUEST_TIMES_H_
#define POLYSERVE_NET_REQUEST_TIMES_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "net/statistics.h"

namespace polyserve {

// Where a request is. At each moment it is in one of them.
enum class RequestPart : uint8_t {
  kSocket,  // In its socket, while no thread waits for it: its thread is busy, or it has none yet.
  kWakeup,  // In its socket, while a thread waits for it: until that runs again.
  kQueue,   // In the server, which knows of it and does something else: behind others, or between two threads.
  kRun,     // Read, or worked on, by a processor.
  kSend,    // Its reply is handed to the kernel, by a processor; by a ring, the kernel does it on its own account.
  kOffCpu,  // Worked on by a thread that has no processor: preempted, or blocked.
  kWait,    // It waits because its service wants to: for a time, or for another server.
  kPeer,    // Until its peer takes more of the reply.
};
constexpr size_t kRequestParts = 8;

// As in the reports: "socket", "off_cpu".
absl::string_view NameOf(RequestPart part);

// A handle: copies are cheap and refer to the same table.
class RequestTimes {
 public:
  using Parts = std::array<std::chrono::nanoseconds, kRequestParts>;

  // Bucket i counts what takes at most 2^i microseconds, and more than the bucket before it; the last one, what takes
  // longer than 16.8 s.
  static constexpr size_t kBuckets = 26;
  // In seconds; infinite for the last one.
  static double BoundOf(size_t bucket);

  // The shared part, in memory that all processes map. All zeroes means empty.
  struct Table;

  // Times nothing.
  RequestTimes() = default;
  // Times one request in `every`, on average. 0: none.
  RequestTimes(Table& table, uint32_t every) : table_(&table), every_(every) {}

  uint32_t every() const { return every_; }
  // A number that no other call has returned, for each who draws which requests are timed. REQUIRES: every() > 0.
  uint32_t NextSeed() const;

  // Adds a request of this service. Without effect if nothing is timed.
  void Add(int service, const Parts& parts) const;

  struct Figures {
    int64_t count = 0;  // Requests.
    double seconds = 0;
    std::array<int64_t, kBuckets> buckets = {};  // Not cumulative.
  };
  struct FiguresOfService {
    std::array<Figures, kRequestParts> parts;
    Figures whole;
  };
  // What was added so far, for one service; each number at another moment.
  FiguresOfService FiguresOf(int service) const;

 private:
  Table* table_ = nullptr;
  uint32_t every_ = 0;
};

struct RequestTimes::Table {
  struct Histogram {
    std::atomic<int64_t> nanoseconds;
    std::atomic<int64_t> buckets[kBuckets];
  };
  struct OfService {
    Histogram parts[kRequestParts];
    Histogram whole;
  };
  std::atomic<uint32_t> seeds;
  OfService services[1 + kMaxServices];  // As the rows of the statistics: the first one is for no service.
};

}  // namespace polyserve

#endif  // POLYSERVE_NET_REQUEST_TIMES_H_
