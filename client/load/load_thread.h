// LoadThread: the work of one thread of the load generator, with its share of the plan and its own tally. Derived
// classes decide what to send: LoadWorker (exchanges), ChatCrowd, SlowReaders. Threads share nothing while they run, so
// that the generator itself scales.
//
//   Connect() ──▶ Run(slice): Load() until end_, then Settle() until give_up_ ──▶ tally()
//                  ▲                                                                │
//                  └──────────────── the next slice, on the same connections ◀──────┘
//
// Which times count: a reply if it arrives between count_from_ and end_ (the throughput), a request's time if the
// request was due then, however late its reply is (the percentiles). Dropping the late ones would hide the worst times.
#ifndef POLYSERVE_CLIENT_LOAD_LOAD_THREAD_H_
#define POLYSERVE_CLIENT_LOAD_LOAD_THREAD_H_

#include <time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "client/load/arrivals.h"
#include "client/load/plan.h"
#include "client/load/tally.h"
#include "client/tls.h"

namespace polyserve {

class LoadThread {
 public:
  static constexpr int64_t kSecond = 1'000'000'000;  // All times are in nanoseconds of Now().

  // `plan` is this thread's share.
  explicit LoadThread(const LoadPlan& plan);
  virtual ~LoadThread() = default;

  // Makes all connections, and blocks for that. Returns Unavailable if one cannot be made in time. Call once, before
  // Run(), in any thread.
  virtual absl::Status Connect() = 0;

  // What may differ from one run on the same connections to the next; the rest is the plan's.
  struct Slice {
    int64_t start = 0;                               // By Now().
    absl::Duration duration = absl::ZeroDuration();  // Counted, behind the plan's warm-up.
    std::optional<double> rate;                      // This thread's share of it.
  };

  // Executes the plan for one slice in the calling thread, and measures the thread's use of the processor. Blocks until
  // all replies are there, or the plan's patience ends. It may be called again then: connections stay as they are, and
  // the tally begins anew.
  void Run(const Slice& slice);

  // The clock of all threads: CLOCK_MONOTONIC, in nanoseconds.
  static int64_t Now();

  // Complete after Run(), and valid until the next one.
  const LoadTally& tally() const { return tally_; }

 protected:
  // Loads the server until IsOver(). Must call that ten times a second or more often, with now_ up to date, so that an
  // interruption is noticed. Called again after Settle().
  virtual void Load() = 0;
  // Waits for outstanding replies, until give_up_ at most, and completes the tally. Afterwards no request is under way.
  virtual void Settle() = 0;

  // Open loop: when the requests of this slice are due, counted from start_. Each slice has another seed, since the
  // same arrivals again and again would be one sample of them.
  Arrivals BeginArrivals();
  // A timeout for epoll_pwait2(2) that ends at `time` or, if that is long, a little before it, so that nothing is
  // waited for too long. The caller looks at the clock, and waits for the rest.
  static timespec TimeoutUntil(int64_t time);

  // True once the load must end. If the run was interrupted, that is now: end_ moves, the tally says so, and replies
  // are awaited for another second at most.
  bool IsOver();
  // Whether a time is within the counted part of the run, between the warm-up and the end.
  bool IsCounted(int64_t time) const { return time >= count_from_ && time < end_; }
  // Counts a reply that has arrived at now_, and its times. `of_connection` is the count of the connection, for the
  // fairness.
  void CountReply(int64_t due, int64_t sent, uint64_t& of_connection);
  // Counts a request that will get no reply. Its age is added to the times: otherwise lost requests would make the
  // others look better. `sent` is nothing if it was never sent.
  void CountUnanswered(int64_t due, std::optional<int64_t> sent);
  // Adds the age of a request whose reply was wrong.
  void CountAge(int64_t due, std::optional<int64_t> sent);
  // Open loop: counts how late the generator itself has come to a request, at now_. For requests that need not wait for
  // a connection: the rest is up to the server.
  void CountLateness(int64_t due);
  // Goes on with the handshake, sets now_, since that has cost this thread time as well, and counts it once it is done,
  // if that is within the counted part.
  TlsSocket::Result GoOnWithHandshake(TlsSocket& tls);
  // Adds one to `kind` (LoadTally::broken or not_connected), with this errno as its cause; 0: closed by the server.
  void CountFailure(uint64_t& kind, int error);

  LoadPlan plan_;  // Duration and rate are those of the slice.
  const int64_t interval_;
  uint64_t slices_ = 0;  // That have begun, in open loop.
  int64_t start_ = 0;
  int64_t count_from_ = 0;  // The end of the warm-up,
  int64_t end_ = 0;         // of the load,
  int64_t give_up_ = 0;     // and of the wait for replies.
  int64_t now_ = 0;         // The last time read from the clock.
  LoadTally tally_;
  std::string tls_;  // LoadTally::tls; "" as long as there was no handshake.

 private:
  void AddResponse(int64_t due);
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_LOAD_THREAD_H_
