#include "room/wake_list.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/sys_error.h"

namespace polyserve {

absl::StatusOr<std::unique_ptr<WakeList>> WakeList::Create() {
  UniqueFd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd.ok()) return SysError("eventfd");
  return std::unique_ptr<WakeList>(new WakeList(std::move(fd)));
}

void WakeList::TakeWake() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(fd_.get(), &count, sizeof(count));
}

// The first one wakes the loop; the others are found by it.
void WakeList::Add(Entry& entry) {
  MutexLock lock(mutex_);
  if (entry.is_listed_) return;
  entry.is_listed_ = true;
  woken_.push_back(&entry);
  if (woken_.size() > 1) return;
  is_empty_.store(false, std::memory_order_release);
  if (::pthread_equal(owner_, ::pthread_self())) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof(one));
}

void WakeList::Remove(Entry& entry) {
  MutexLock lock(mutex_);
  if (!entry.is_listed_) return;
  std::erase(woken_, &entry);
  is_empty_.store(woken_.empty(), std::memory_order_release);
}

void WakeList::Deliver() {
  if (empty()) return;
  {
    MutexLock lock(mutex_);
    called_.swap(woken_);
    is_empty_.store(true, std::memory_order_release);
    for (Entry* entry : called_) entry->is_listed_ = false;
  }
  for (Entry* entry : called_) entry->client_.OnMail();
  called_.clear();
}

}  // namespace polyserve
