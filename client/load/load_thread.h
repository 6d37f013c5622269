// LoadThread: one thread of the load generator, with its share of the plan and a tally of its own. What it says to the
// server is up to what is derived from it. Threads share nothing while they run.
#ifndef POLYSERVE_CLIENT_LOAD_LOAD_THREAD_H_
#define POLYSERVE_CLIENT_LOAD_LOAD_THREAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "client/load/plan.h"
#include "client/load/tally.h"

namespace polyserve {

class LoadThread {
 public:
  static constexpr int64_t kSecond = 1'000'000'000;

  explicit LoadThread(const LoadPlan& plan);
  virtual ~LoadThread() = default;

  // Makes all connections. Unavailable: not all could be made in time.
  virtual absl::Status Connect() = 0;

  // Runs the plan, which begins at this time of Now(), in the calling thread, whose processor time it takes.
  void Run(int64_t start);

  // The clock of all threads: CLOCK_MONOTONIC, in nanoseconds.
  static int64_t Now();

  const LoadTally& tally() const { return tally_; }

 protected:
  // Loads the server until end_.
  virtual void Load() = 0;
  // Waits for what is on its way, until give_up_ at most, and closes the books.
  virtual void Settle() = 0;

  // True once the load is to end. If the run was interrupted, its time ends now, and replies are awaited for a second.
  bool IsOver();
  // Times are counted by what they belong to: those of the warm-up and after the end are not.
  bool IsCounted(int64_t time) const { return time >= count_from_ && time < end_; }
  // A reply has come now (now_); connection is whose.
  void CountReply(int64_t due, int64_t sent, uint64_t& of_connection);
  // A request gets no reply any more. Its age counts as its time, or requests that are lost would make the others look
  // better. `sent` is nothing if it never was.
  void CountUnanswered(int64_t due, std::optional<int64_t> sent);
  // The same for one whose reply was not right.
  void CountAge(int64_t due, std::optional<int64_t> sent);
  // One more of `kind` (broken, not_connected), for this errno; 0: the server has closed the connection.
  void CountFailure(uint64_t& kind, int error);

  const LoadPlan plan_;
  int64_t start_ = 0;
  int64_t count_from_ = 0;
  int64_t end_ = 0;
  int64_t give_up_ = 0;
  int64_t now_ = 0;
  LoadTally tally_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_LOAD_THREAD_H_
