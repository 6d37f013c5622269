// SharedText: a text that one process of a server publishes, and that all of its processes read, so that they agree on
// it whatever becomes of the file that it came from.
//
//   publisher:  Publish("...")       version() rises by one
//   others:     version() has changed? ─▶ Read()
#ifndef POLYSERVE_ACCESS_SHARED_TEXT_H_
#define POLYSERVE_ACCESS_SHARED_TEXT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// A handle to the table, which lies in shared memory. One process publishes; any may read. Within a process, calls of
// Publish() and Read() must not overlap.
class SharedText {
 public:
  static constexpr size_t kMaxBytes = 256 * 1024;

  // All zeroes: nothing is published. Two slots, so that a reader is seldom disturbed; pages that were never used cost
  // no memory.
  struct Slot {
    std::atomic<size_t> size;
    char bytes[kMaxBytes];
  };
  struct Table {
    std::atomic<int64_t> version;
    Slot slots[2];
  };

  explicit SharedText(Table& table) : table_(&table) {}

  // 0: nothing is published yet.
  int64_t version() const { return table_->version.load(std::memory_order_acquire); }
  // REQUIRES: at most kMaxBytes.
  void Publish(absl::string_view text) const;
  // The latest text; `version` receives its version.
  std::string Read(int64_t& version) const;

 private:
  Table* const table_;
};

}  // namespace polyserve

#endif  // POLYSERVE_ACCESS_SHARED_TEXT_H_
