#include "backends/pool/scoreboard.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<Scoreboard> Scoreboard::Create(int workers, bool has_udp_worker, int slots_per_worker) {
  const int slots = workers * slots_per_worker;
  UniqueFd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.ok()) return SysError("eventfd");
  // The last byte is the UDP worker's, whether or not there is one.
  const size_t size = static_cast<size_t>(slots) + 1;
  // Shared with the processes that are forked later; for threads any memory would do.
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return SysError("mmap");
  // The kernel's zeroes are valid states: atomics of bytes without a constructor to run, and kVacant is zero.
  static_assert(std::atomic<State>::is_always_lock_free && sizeof(std::atomic<State>) == 1);
  static_assert(State::kVacant == State{});
  return Scoreboard(slots, slots_per_worker, has_udp_worker, static_cast<std::atomic<State>*>(memory), std::move(wake));
}

Scoreboard::Scoreboard(Scoreboard&& other) noexcept
    : slots_(other.slots_),
      slots_per_worker_(other.slots_per_worker_),
      has_udp_worker_(other.has_udp_worker_),
      states_(std::exchange(other.states_, nullptr)),
      wake_(std::move(other.wake_)) {}

Scoreboard::~Scoreboard() {
  if (states_ != nullptr) ::munmap(states_, static_cast<size_t>(slots_) + 1);
}

// No snapshot: states may change during the walk. A worker that changes its state then wakes the pool if that matters,
// and the pool counts again.
int Scoreboard::Count(State state) const {
  int count = 0;
  for (int slot = 0; slot < slots_; ++slot) count += states_[slot] == state ? 1 : 0;
  return count;
}

int Scoreboard::Find(State state, int from) const {
  // `from` may be one past the last slot.
  for (int i = 0; i < slots_; ++i) {
    const int slot = (from + i) % slots_;
    if (states_[slot] == state) return slot;
  }
  return -1;
}

// Non-blocking, so that a worker never waits for the pool; the pool reads the counter back to zero at each wake.
void Scoreboard::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

void Scoreboard::TakeWakes() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &count, sizeof(count));
}

}  // namespace polyserve
