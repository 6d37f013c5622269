// ProgressJudge: whether a connection was ended in time, for want of progress. It follows what the flags promise
// (--idle_timeout, --min_rate), by the exact time of each event, and shares no code with net/progress_watch.h, which
// the drivers judge by, in ticks. So it allows for a tick, and for half of a limit, by which the drivers may be late.
//
//   early   ended, but neither was the peer silent for the time-out, nor too slow
//   late    not ended, although it is due
//
// A bucket of time (see net/progress_watch.h) is kept in two ways, each of which errs on the side of the driver: for
// the question of whether an end was early, it is not filled anew by a new debt unless the driver must have noticed
// that the old one was gone.
#ifndef POLYSERVE_TESTS_SIMULATION_PROGRESS_JUDGE_H_
#define POLYSERVE_TESTS_SIMULATION_PROGRESS_JUDGE_H_

#include <algorithm>
#include <cstdint>

#include "tests/simulation/limits.h"
#include "tests/simulation/trace.h"

namespace polyserve::simulation {

class ProgressJudge {
 public:
  explicit ProgressJudge(const Limits& limits) : limits_(limits) {}

  // `delayed` is Kernel::delayed().
  void OnAccept(Time now, Time delayed);
  // The server has read or sent something, or had itself something to do.
  void OnMove(Time now, Time delayed);
  // The server has sent more of a reply, of which some is still unsent. It may do so for reasons of its own, such as a
  // timer, into what little room there was all the time: that says nothing of the peer, which was last heard of when it
  // acknowledged something. A driver may take it for a move.
  void OnSendOn(Time now, Time delayed) {
    moved_ = std::max(moved_, acknowledged_);
    moved_at_all_ = now;
    delayed_ = delayed;
  }
  // The server was told that it could read or write, in vain. A driver may take that for a move.
  void OnWakeInVain(Time now, Time delayed) {
    moved_at_all_ = now;
    delayed_ = delayed;
  }
  // Bytes have arrived; bytes were acknowledged.
  void OnArrival(Time now, Time delayed, int64_t bytes);
  void OnAcknowledgement(Time now, Time delayed, int64_t bytes);
  // What the peer owes from now on: the rest of a line, with nothing unsent; to take what is unsent by the server; to
  // acknowledge anything.
  void SetDebts(Time now, Time delayed, bool rest_of_line, bool unsent, bool unacknowledged);

  // The connection has not been ended by now. Null: rightly so.
  const char* FindLate(Time now, Time delayed) const;
  // The server ends it at this moment, and gives no other reason. Null: rightly so.
  const char* FindEarly(Time now) const;

 private:
  struct Bucket {
    void Drain(Time now) {
      left -= now - at;
      at = now;
    }
    Time left = 0;
    Time at = 0;
  };
  // A debt, with its buckets.
  struct Watch {
    void Begin(Time now, Time now_delayed, Time window, bool is_anew);
    void Earn(Time now, Time earned, Time window);
    bool is_owed = false;
    Time owed_until = 0;  // The end of the last time that it was owed.
    Time delayed = 0;     // When it began.
    Bucket late;          // Only while it is owed.
    Bucket early;
  };

  bool has_rate() const { return limits_.least_rate > 0; }
  Time Earned(int64_t bytes) const { return bytes * kSecond / limits_.least_rate; }
  void SetDebt(Watch& watch, Time now, Time delayed, bool is_owed) const;

  const Limits& limits_;
  bool is_accepted_ = false;
  Time acknowledged_ = 0;  // The last bytes.
  Time moved_ = 0;         // By the server.
  Time moved_at_all_ = 0;  // By either.
  Time delayed_ = 0;       // By then.
  Watch input_;
  Watch output_;
  Watch acknowledgement_;
};

}  // namespace polyserve::simulation

#endif  // POLYSERVE_TESTS_SIMULATION_PROGRESS_JUDGE_H_
