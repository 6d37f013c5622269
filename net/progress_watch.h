// ProgressWatch: tells a peer that is slow from one that is silent, and both from one that is well. Free of I/O, and of
// any clock but the ticks that it is given: a coarse clock, so that no request costs a look at the time.
//
// Two limits hold for a connection:
//
// - The idle time-out, for silence: nothing has come, and no more of what was sent was acknowledged.
// - The least rate, while the peer owes something: it has to take a reply, or to send the rest of a request that it has
//   begun, at a number of bytes per second on average. The average is a bucket of time: it holds the rate's window when
//   the debt begins, time drains it, bytes fill it up again, and a peer that has drained it is too slow. So a stall
//   shorter than the window harms no peer that is quick otherwise, and acknowledgements may come in lumps.
//
//                    the debt begins: the bucket is full
//   nothing is owed ─────────────────────────────────────▶ a debt ──┬─ the bucket is empty ────────────▶ kTooSlow
//          ▲                                                 │      └─ nothing moves for the time-out ─▶ kIdle
//          └──────────────── all has moved, Rest() ──────────┘
//
// What counts for a reply is what the peer's system has acknowledged. That the socket takes more says little, since it
// does so only once a third of its buffer, which may be megabytes, is free.
//
// One thread at a time; nothing blocks.
#ifndef POLYSERVE_NET_PROGRESS_WATCH_H_
#define POLYSERVE_NET_PROGRESS_WATCH_H_

#include <chrono>
#include <cstdint>

#include "absl/time/time.h"

namespace polyserve {

struct BoundCounters;
struct TcpBytes;

// The least rate that is asked of a peer; none by default.
struct LeastRate {
  int64_t bytes_per_second = 0;                      // 0: any will do.
  absl::Duration window = absl::InfiniteDuration();  // How long a peer may stay below it.
  // Counts the peers that JudgeProgress() finds silent or too slow; null: nothing does.
  BoundCounters* counters = nullptr;
};

// The limits of a server, in ticks.
class ProgressLimits {
 public:
  ProgressLimits() = default;  // None.
  ProgressLimits(absl::Duration idle_timeout, LeastRate least_rate);

  // The time between two ticks: the kTicksPerTimeout-th part of the shorter limit, or a little less. Infinite if there
  // is no limit: nothing need tick.
  absl::Duration tick() const { return tick_; }
  // So many ticks are one of net/coarse_clock.h, the kTicksPerTimeout-th part of the idle time-out; 0 if that is
  // infinite.
  uint32_t ticks_per_idle_tick() const { return ticks_per_idle_tick_; }
  // How long a blocking send may wait: so short that a peer below the least rate lets some wait pass in vain. (Within
  // sendfile(2) the kernel waits anew as long as each wait brings a few bytes, and the call returns only if one does
  // not.)
  absl::Duration send_wait() const { return send_wait_; }
  // The ticks that have passed at a point in time, for drivers that have a real clock; modulo 2^32.
  uint32_t TicksAt(std::chrono::steady_clock::time_point time) const;

  uint32_t idle_ticks() const { return idle_ticks_; }  // UINT32_MAX if there is no idle time-out.
  bool has_least_rate() const { return window_ticks_ > 0; }
  float window_ticks() const { return window_ticks_; }      // 0 if there is no least rate.
  float bytes_per_tick() const { return bytes_per_tick_; }  // By the least rate.
  BoundCounters* counters() const { return counters_; }     // LeastRate::counters.

 private:
  absl::Duration tick_ = absl::InfiniteDuration();
  absl::Duration send_wait_ = absl::InfiniteDuration();
  uint32_t ticks_per_idle_tick_ = 0;
  uint32_t idle_ticks_ = UINT32_MAX;
  float window_ticks_ = 0;
  float bytes_per_tick_ = 0;
  BoundCounters* counters_ = nullptr;
};

// What a peer owes.
enum class Debt : uint8_t {
  kNothing,          // It is between two requests, or we owe it something.
  kRestOfRequest,    // It has begun a request.
  kAcknowledgement,  // It has to take what is unsent.
};

enum class Progress { kAlive, kTooSlow, kIdle };

class ProgressWatch {
 public:
  // `now` is of the clock that later calls use. A clock that starts at 0, as one that is counted up by ticks, may leave
  // it out; with TicksAt() a client would be idle from its first moment.
  explicit ProgressWatch(uint32_t now = 0) : last_moved_(now) {}

  // Something has moved. Call it for each read and write; it costs one store.
  void NoteMove(uint32_t now) { last_moved_ = now; }
  // Nothing was owed, and nothing has come, for the idle time-out, as the caller knows by other means.
  void NoteSilence(const ProgressLimits& limits, uint32_t now) {
    debt_ = Debt::kNothing;
    last_moved_ = now - limits.idle_ticks() - 1;
  }
  // The peer owes nothing, and is not silent: we are at work.
  void Rest(uint32_t now);

  // Whether Judge() needs the kernel's counts. They cost a system call, which idle connections are spared.
  bool NeedsBytes(const ProgressLimits& limits, Debt debt, uint32_t now) const;
  // Call it once a tick; looks at `bytes` only if NeedsBytes() is true.
  Progress Judge(const ProgressLimits& limits, Debt debt, const TcpBytes& bytes, uint32_t now);

 private:
  bool is_silent(const ProgressLimits& limits, uint32_t now) const { return now - last_moved_ > limits.idle_ticks(); }
  Progress JudgeDebt(const ProgressLimits& limits, Debt debt, int64_t bytes, uint32_t now);

  uint32_t last_moved_;
  uint32_t judged_ = 0;         // When it was judged last; these three only while something is owed.
  int64_t bytes_ = 0;           // How much had moved by then.
  float ticks_left_ = 0;        // In the bucket.
  Debt debt_ = Debt::kNothing;  // At the last tick.
};

// Judges a connection by what the kernel counts; makes no system call while the peer owes nothing and was heard of
// within the idle time-out. The caller ends a connection that is not kAlive: it is counted.
Progress JudgeProgress(int fd, const ProgressLimits& limits, Debt debt, uint32_t now, ProgressWatch& watch);

}  // namespace polyserve

#endif  // POLYSERVE_NET_PROGRESS_WATCH_H_
