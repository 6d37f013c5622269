#include "base/log_flood.h"

#include <algorithm>
#include <cstring>

namespace polyserve {

// A place keeps its slot for ever. There are more slots than places; were it otherwise, two places would share the last
// slot of the search, and be cut together.
LogFloods::Slot& LogFloods::SlotOf(uint64_t key) {
  size_t at = key % kSlots;
  for (size_t tries = 1; tries < kSlots; ++tries, at = (at + 1) % kSlots) {
    uint64_t owner = slots_[at].key.load(std::memory_order_relaxed);
    if (owner == 0 && slots_[at].key.compare_exchange_strong(owner, key)) owner = key;
    if (owner == key) break;
  }
  return slots_[at];
}

// By the first line of each window, always the same bytes; so nothing is lost if a process is killed in between.
void LogFloods::Describe(const LogPlace& place, Slot& slot) {
  const std::string name = SourceOf(place.file, place.line);
  uint64_t words[kSourceWords] = {};
  std::memcpy(words, name.data(), std::min(name.size(), sizeof(words)));
  for (size_t i = 0; i < kSourceWords; ++i) slot.source[i].store(words[i], std::memory_order_relaxed);
  slot.severity.store(static_cast<uint64_t>(place.severity), std::memory_order_relaxed);
}

int64_t LogFloods::Take(Slot& slot) {
  const int64_t lines = slot.left_out.exchange(0);
  if (lines > 0) left_out_.fetch_sub(lines, std::memory_order_relaxed);
  return lines;
}

bool LogFloods::MayLog(const LogPlace& place, const FloodLimit& limit, int64_t now_ms, int64_t& left_out) {
  left_out = 0;
  Slot& slot = SlotOf(place.key);
  uint64_t window = slot.window.load(std::memory_order_relaxed);
  while (true) {
    const bool is_new = now_ms >= static_cast<int64_t>(window >> kLineBits);
    const uint64_t lines = is_new ? 0 : window & kMostLines;
    if (lines >= static_cast<uint64_t>(limit.lines)) break;
    const int64_t end = now_ms + limit.window_ms;
    const uint64_t next = is_new ? static_cast<uint64_t>(end) << kLineBits | 1 : window + 1;
    if (!slot.window.compare_exchange_weak(window, next)) continue;  // Another line was quicker.
    if (!is_new) return true;
    Describe(place, slot);
    left_out = Take(slot);
    return true;
  }
  total_.fetch_add(1, std::memory_order_relaxed);
  left_out_.fetch_add(1, std::memory_order_relaxed);
  slot.left_out.fetch_add(1, std::memory_order_relaxed);
  return false;
}

std::optional<LogFloods::Report> LogFloods::TakeReport(int64_t now_ms) {
  for (Slot& slot : slots_) {
    const int64_t end = static_cast<int64_t>(slot.window.load(std::memory_order_relaxed) >> kLineBits);
    if (now_ms < end || slot.left_out.load(std::memory_order_relaxed) == 0) continue;
    const int64_t lines = Take(slot);
    if (lines == 0) continue;  // Another thread reports them.
    char name[kSourceWords * sizeof(uint64_t) + 1] = {};
    for (size_t i = 0; i < kSourceWords; ++i) {
      const uint64_t word = slot.source[i].load(std::memory_order_relaxed);
      std::memcpy(name + i * sizeof(word), &word, sizeof(word));
    }
    return Report{static_cast<LogSeverity>(slot.severity.load(std::memory_order_relaxed)), name, lines};
  }
  return std::nullopt;
}

}  // namespace polyserve
