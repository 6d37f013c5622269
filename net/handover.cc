#include "net/handover.h"

#include <sys/mman.h>

#include <atomic>
#include <new>

#include "base/sys_error.h"

namespace polyserve {

namespace {

// Never unmapped: workers look at it until their end.
std::atomic<std::atomic<bool>*> g_is_done{nullptr};
static_assert(std::atomic<bool>::is_always_lock_free);  // Only then it works between processes.

}  // namespace

// Not in the statistics' memory: it is for the listeners, which know nothing of those.
absl::Status Handover::Prepare() {
  void* page = ::mmap(nullptr, sizeof(std::atomic<bool>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return SysError("mmap");
  g_is_done = new (page) std::atomic<bool>(false);
  return absl::OkStatus();
}

void Handover::Announce() {
  if (std::atomic<bool>* is_done = g_is_done; is_done != nullptr) *is_done = true;
}

bool Handover::is_done() {
  const std::atomic<bool>* is_done = g_is_done;
  return is_done != nullptr && *is_done;
}

}  // namespace polyserve
