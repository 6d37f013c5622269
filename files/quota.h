// LibraryQuota: holds the bytes of all files beneath a root to a number, over all processes of a server. The bytes are
// counted once, by looking at all files, and from then on by what uploads add.
//
//   StartUpload(), Append()  HasRoomFor(): refuse early what cannot fit
//   Store()                  Add(): counts the file in, or refuses it
//
// What other programs write and remove shows at the next Recount(). A file under way counts when it is stored.
#ifndef POLYSERVE_FILES_QUOTA_H_
#define POLYSERVE_FILES_QUOTA_H_

#include <atomic>
#include <cstdint>

#include "base/bound_counters.h"

namespace polyserve {

// Any thread of any process; nothing blocks or takes a lock, but Recount().
class LibraryQuota {
 public:
  // `used` is in memory that the processes of a server share, and must outlive it, as must the counters.
  LibraryQuota(int64_t most_bytes, std::atomic<int64_t>& used, BoundCounters& counters)
      : most_(most_bytes), used_(&used), counters_(&counters) {}

  // Looks at every file beneath the directory, and at no link. Blocks for as long as that takes: about a second for a
  // hundred thousand files. What is stored meanwhile counts once or twice.
  void Recount(int directory) const;

  // Whether this many bytes more would fit at the moment. Counts a refusal.
  bool HasRoomFor(int64_t bytes) const;
  // Counts these bytes in. False: they do not fit, nothing has changed, and a refusal was counted. A negative number
  // counts bytes out, and always fits.
  bool Add(int64_t bytes) const;

  int64_t most() const { return most_; }
  int64_t used() const { return *used_; }

 private:
  const int64_t most_;
  std::atomic<int64_t>* const used_;
  BoundCounters* const counters_;
};

}  // namespace polyserve

#endif  // POLYSERVE_FILES_QUOTA_H_
