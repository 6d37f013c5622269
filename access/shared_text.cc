#include "access/shared_text.h"

#include <cstring>

#include "base/logging.h"

namespace polyserve {

// Into the slot that no reader of the latest version looks at. The version comes last.
void SharedText::Publish(absl::string_view text) const {
  CHECK(text.size() <= kMaxBytes);
  const int64_t next = version() + 1;
  Slot& slot = table_->slots[next % 2];
  std::memcpy(slot.bytes, text.data(), text.size());
  slot.size = text.size();
  table_->version.store(next, std::memory_order_release);
}

// Two versions that are published during the copy would overwrite what is read: then it is read again.
std::string SharedText::Read(int64_t& version_read) const {
  while (true) {
    version_read = version();
    const Slot& slot = table_->slots[version_read % 2];
    std::string text(slot.bytes, slot.size);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version() == version_read) return text;
  }
}

}  // namespace polyserve
