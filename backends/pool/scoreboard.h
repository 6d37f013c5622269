// Scoreboard: what each worker of a pool is doing, one byte each, in memory that all workers and their parent share
// (the name is Apache's). A worker's number is its slot.
//
//   slot    0      1      2      3                 slots()
//         ┌──────┬──────┬──────┬──────┬─── ... ───┬───────────────┐
//         │ busy │ idle │ busy │vacant│           │ the UDP worker│     an eventfd beside it wakes the pool
//         └──────┴──────┴──────┴──────┴─── ... ───┴───────────────┘
//
// A worker that is a process of several threads has a slot for each thread, one after the other.
//
// No sums are kept: each is counted when it is asked for, at the price of a look at one byte a worker. So a worker may
// be killed at any instruction, and no sum is ever wrong.
#ifndef POLYSERVE_BACKENDS_POOL_SCOREBOARD_H_
#define POLYSERVE_BACKENDS_POOL_SCOREBOARD_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace polyserve {

// Safe from any thread, and from any process that was forked after Create(). Nothing here blocks. Each worker sets its
// own slot only; the pool sets the slots of workers that do not run.
class Scoreboard {
 public:
  // pool.h has the diagram.
  enum class State : uint8_t {
    kVacant,   // There is no such worker.
    kIdle,     // It waits for a client, or was started and will do so soon.
    kBusy,     // It serves a client.
    kLeaving,  // It takes no more clients, and is about to end.
    kLeft,     // It has ended in good order; the pool has not vacated the slot yet.
    kCrashed,  // The same, but it was killed or has failed.
  };

  // All slots are vacant at first, as many for each worker as `slots_per_worker` says. With `has_udp_worker` there is
  // one slot more, udp_slot(), which Count() and Find() ignore. Call it before the workers start. Fails if the system
  // has no memory or no descriptor left.
  static absl::StatusOr<Scoreboard> Create(int workers, bool has_udp_worker = false, int slots_per_worker = 1);
  Scoreboard(Scoreboard&& other) noexcept;
  Scoreboard& operator=(Scoreboard&& other) = delete;
  ~Scoreboard();

  int slots() const { return slots_; }
  // The slot of the worker that serves all datagrams (udp_worker.h); -1 if there is none.
  int udp_slot() const { return has_udp_worker_ ? slots_ : -1; }
  // slots(), and the UDP worker's.
  int all_slots() const { return slots_ + (has_udp_worker_ ? 1 : 0); }
  // The slots of the worker that has this one: from FirstOf() up to, but not including, EndOf().
  int slots_per_worker() const { return slots_per_worker_; }
  int FirstOf(int slot) const { return slot - slot % slots_per_worker_; }
  int EndOf(int slot) const { return slot == udp_slot() ? slot + 1 : FirstOf(slot) + slots_per_worker_; }
  // What the worker of this slot does. `slot` is below all_slots(); nothing checks it. Both are sequentially
  // consistent: a worker that has set its state and then wakes the pool is seen in that state.
  State state(int slot) const { return states_[slot]; }
  void Set(int slot, State state) { states_[slot] = state; }
  // Sets all slots of the worker that has this one: it has yet to start, or has ended.
  void SetWorker(int slot, State state) {
    for (int own = FirstOf(slot); own < EndOf(slot); ++own) Set(own, state);
  }

  // How many workers are in this state; it may have changed by the time that the call returns.
  int Count(State state) const;
  // The first slot in this state, searched from `from` on and then from the beginning; -1 if there is none.
  int Find(State state, int from) const;

  // Wakes the pool: the state of a worker has changed, and there may be something to do. wake_fd() is readable from
  // then on until the pool calls TakeWakes(), once for any number of wakes. Look at the states after TakeWakes(), not
  // before.
  void Wake();
  int wake_fd() const { return wake_.get(); }
  void TakeWakes();

 private:
  Scoreboard(int slots, int slots_per_worker, bool has_udp_worker, std::atomic<State>* states, UniqueFd wake)
      : slots_(slots),
        slots_per_worker_(slots_per_worker),
        has_udp_worker_(has_udp_worker),
        states_(states),
        wake_(std::move(wake)) {}

  const int slots_;
  const int slots_per_worker_;
  const bool has_udp_worker_;
  std::atomic<State>* states_;  // By slot, in a shared mapping; null once moved from.
  UniqueFd wake_;               // An eventfd.
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_SCOREBOARD_H_
