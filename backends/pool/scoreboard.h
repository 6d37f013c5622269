// Scoreboard: what each worker of a pool is doing, in memory that all of them and their parent share; Apache calls its
// own the scoreboard. Workers have numbers, their slots. There are no sums to keep in step: whoever wants one counts,
// which costs a look at one byte a worker, so that a worker may be killed at any point and the rest stays right.
#ifndef POLYSERVE_BACKENDS_POOL_SCOREBOARD_H_
#define POLYSERVE_BACKENDS_POOL_SCOREBOARD_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"

namespace polyserve {

class Scoreboard {
 public:
  enum class State : uint8_t {
    kVacant,   // There is no such worker.
    kIdle,     // It waits for a client, or is on its way to.
    kBusy,     // It has a client.
    kLeaving,  // It takes no more clients.
    kLeft,     // It has ended, and nobody has taken note yet.
    kCrashed,  // So it has, and not as it should.
  };

  // All slots are vacant. With `has_udp_worker` there is one slot more, udp_slot(), which is neither counted nor found.
  static absl::StatusOr<Scoreboard> Create(int slots, bool has_udp_worker = false);
  Scoreboard(Scoreboard&& other) noexcept;
  Scoreboard& operator=(Scoreboard&& other) = delete;
  ~Scoreboard();

  int slots() const { return slots_; }
  // The slot of the worker that serves all datagrams (backends/pool/udp_worker.h); -1: there is none.
  int udp_slot() const { return has_udp_worker_ ? slots_ : -1; }
  int all_slots() const { return slots_ + (has_udp_worker_ ? 1 : 0); }
  State state(int slot) const { return states_[slot]; }
  void Set(int slot, State state) { states_[slot] = state; }

  int Count(State state) const;
  // The first in this state, from this slot on and then from the beginning; -1 where there is none.
  int Find(State state, int from) const;

  // Wakes up the one who looks after the pool; any worker may. wake_fd() is readable until TakeWakes().
  void Wake();
  int wake_fd() const { return wake_.get(); }
  void TakeWakes();

 private:
  Scoreboard(int slots, bool has_udp_worker, std::atomic<State>* states, UniqueFd wake)
      : slots_(slots), has_udp_worker_(has_udp_worker), states_(states), wake_(std::move(wake)) {}

  const int slots_;
  const bool has_udp_worker_;
  std::atomic<State>* states_;
  UniqueFd wake_;
};

}  // namespace polyserve

#endif  // POLYSERVE_BACKENDS_POOL_SCOREBOARD_H_
