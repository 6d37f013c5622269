#include "backends/accept/connection_limit.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "backends/accept/accept_lock.h"
#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<ConnectionLimit>> ConnectionLimit::Create(const Statistics& statistics, int64_t most,
                                                                         Overload overload) {
  absl::StatusOr<std::unique_ptr<AcceptLock>> lock = MakeProcessMutex();
  if (!lock.ok()) return lock.status();
  UniqueFd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.ok()) return SysError("eventfd");
  // Shared, like the mutex, so that forked workers see each other's mark.
  void* memory = ::mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return SysError("mmap");
  // The kernel's zeroes are a valid atomic; only one that is lock-free works between processes.
  static_assert(std::atomic<bool>::is_always_lock_free);
  return std::unique_ptr<ConnectionLimit>(new ConnectionLimit(
      statistics, most, overload, *std::move(lock), std::move(wake), static_cast<std::atomic<bool>*>(memory)));
}

ConnectionLimit::ConnectionLimit(const Statistics& statistics, int64_t most, Overload overload,
                                 std::unique_ptr<AcceptLock> lock, UniqueFd wake, std::atomic<bool>* somebody_waits)
    : statistics_(statistics),
      most_(most),
      overload_(overload),
      lock_(std::move(lock)),
      wake_(std::move(wake)),
      somebody_waits_(somebody_waits) {}

ConnectionLimit::~ConnectionLimit() { ::munmap(somebody_waits_, sizeof(*somebody_waits_)); }

bool ConnectionLimit::TryAcquire(Counters& counters) {
  // The process mutex never returns false; the loop is what the interface asks for.
  while (!lock_->Lock()) {
  }
  // Mark, then look again. A connection that ends after the second look finds the mark, and wakes us; one that ended
  // before has made room, which the second look sees. Both sides use exchange(), so that the two accesses of the mark
  // have an order: a plain store and load could each miss the other side's write.
  bool entered = Enter(counters);
  if (!entered && overload_ == Overload::kWait) {
    somebody_waits_->exchange(true);
    entered = Enter(counters);
  }
  lock_->Unlock();
  return entered;
}

// Compares and counts; the caller holds the lock. Ends are counted without it, so that the server may be less full by
// now than this finds.
bool ConnectionLimit::Enter(Counters& counters) {
  if (statistics_.Total().active() >= most_) return false;
  Counters::Add(counters.accepted, 1);
  return true;
}

void ConnectionLimit::Release() {
  if (somebody_waits_->exchange(false)) WakeAll();
}

// The counter of the eventfd only grows. It would need 2^64 wakes to be full.
void ConnectionLimit::WakeAll() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

}  // namespace polyserve
