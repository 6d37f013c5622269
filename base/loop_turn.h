// LoopTurn: what one wait of an event loop has found ready is served in one turn. All of it had come before the turn
// began, and none of it is answered yet; so what is looked up for one request of a turn holds for the others as well:
//
//   wait ─▶ [ request: is the file as it was? look  │ request: the same file? known │ ... ] ─▶ wait
//            LoopTurn                                                               end
//
// What a request is answered by was so after it had come, as if each had looked for itself. A connection that has sent
// something before, and sends more while the turn is under way, may get what was so at most that turn earlier.
#ifndef POLYSERVE_BASE_LOOP_TURN_H_
#define POLYSERVE_BASE_LOOP_TURN_H_

#include <atomic>
#include <cstdint>

namespace polyserve {

// The turn of the calling thread, for as long as it lives. One at a time.
class LoopTurn {
 public:
  LoopTurn() { current_ = Next(); }
  ~LoopTurn() { current_ = 0; }
  LoopTurn(const LoopTurn&) = delete;
  LoopTurn& operator=(const LoopTurn&) = delete;

  // A number that no other turn of this process has, in whatever thread; 0 outside of turns, when each request has to
  // look.
  static uint64_t current() { return current_; }

  // The thread has itself changed what was looked up, or goes on with what has come since: another turn begins. Does
  // nothing outside of turns.
  static void Renew() {
    if (current_ != 0) current_ = Next();
  }

 private:
  static constexpr int kTurnBits = 40;  // More turns than a thread can have in a month.

  static uint64_t Next() {
    if (++last_ << (64 - kTurnBits) == 0) last_ = (threads_.fetch_add(1, std::memory_order_relaxed) << kTurnBits) | 1;
    return last_;
  }

  static inline std::atomic<uint64_t> threads_ = 1;
  // At the end of its numbers, so that the first turn takes new ones.
  static inline thread_local uint64_t last_ = UINT64_MAX;
  static inline thread_local uint64_t current_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_BASE_LOOP_TURN_H_
