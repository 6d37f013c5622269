// HttpReplyCache: replies to plain requests for small files, ready to send.
//
// To open, stat, read and close a file costs about as much as everything else that a small request does. One fstatat()
// costs a fifth of that, and shows whether the file is still the one that the reply was made from. So a reply is never
// out of date, whichever program changes the file, and it is not found once the file has moved out of the root: the
// check, too, resolves names beneath the root only (three system calls if the name has directories in it). If the
// client accepts compressed files, the same holds for every file that was looked for, whether it existed or not. An
// event loop looks once for all requests for a file that it has found together (base/loop_turn.h).
//
// The honest gap: a program that writes to a file through a shared mapping changes it unnoticed until the kernel writes
// the page back.
#ifndef POLYSERVE_PROTOCOL_HTTP_REPLY_CACHE_H_
#define POLYSERVE_PROTOCOL_HTTP_REPLY_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "files/library.h"

namespace polyserve {

// Safe for use from several threads; processes have one each. After fork(2) a child goes on with a copy, and the lock
// is free in it because processes that fork have one thread.
class HttpReplyCache {
 public:
  // The part of a reply that is the same for all requests: see HttpReply::WriteTo(). Shared, never changed.
  using Reply = std::shared_ptr<const std::string>;

  // Bounds the bytes of all replies together. If there is no room, all are dropped: any finer policy, such as least
  // recently used, would turn each lookup into a write, with the lock held.
  static constexpr size_t kMaxBytes = 4 * 1024 * 1024;

  // A file that a reply depends on, and its state when the reply was made; nothing if it did not exist.
  struct Source {
    std::string name;
    std::optional<FileStamp> stamp;
  };
  using Sources = absl::InlinedVector<Source, 1>;

  // Returns the reply kept under this key if it is fresh and all of its sources are unchanged; otherwise null. Makes
  // one system call or more for each source, without the lock, unless it has in this turn. A reply that is out of date
  // stays until Keep() replaces it.
  Reply Find(const Library& library, absl::string_view key) const;

  // Keeps the reply, and replaces an older one under the same key. `fresh_until`, in seconds since 1970: it is not
  // found any more from then on, for copies of another server's files. Does nothing if a source has changed so recently
  // that it could change again without a new stamp (see HttpETag()).
  void Keep(absl::string_view key, Sources sources, Reply reply, int64_t fresh_until = INT64_MAX);

 private:
  struct Made {
    Made(Sources all, Reply made, int64_t until)
        : sources(std::move(all)), reply(std::move(made)), fresh_until(until) {}
    Sources sources;
    Reply reply;
    int64_t fresh_until;
    mutable std::atomic<uint64_t> unchanged_in = 0;  // The LoopTurn in which that was seen last.
  };
  using Kept = std::shared_ptr<const Made>;

  mutable Mutex mutex_;  // Not held during system calls.
  absl::flat_hash_map<std::string, Kept> kept_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_REPLY_CACHE_H_
