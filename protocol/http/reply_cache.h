// HttpReplyCache: replies to plain requests for small files, ready to send. To open, look at, read and close a file
// costs about as much as all else that a small request does; one look by name (fstatat) costs a fifth of it, and tells
// whether the file is still the one that the reply was made of. So no reply is ever out of date, whoever changes the
// file, and none is found once its file was moved out of the root: the look, too, goes beneath the root only (which
// costs three calls for a name with directories in it). If a client takes compressed files, the same holds for each
// that was looked for, whether it was there or not.
//
// The honest gap: who writes into a file through a shared mapping changes it unseen until the kernel writes it back.
#ifndef POLYSERVE_PROTOCOL_HTTP_REPLY_CACHE_H_
#define POLYSERVE_PROTOCOL_HTTP_REPLY_CACHE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "files/library.h"

namespace polyserve {

// Safe for use from several threads; processes have one each.
class HttpReplyCache {
 public:
  using Reply = std::shared_ptr<const std::string>;

  // The replies that are kept have so many bytes together. When there is no room, all are dropped: an order in which to
  // drop them would make each look at the cache a change of it.
  static constexpr size_t kMaxBytes = 4 * 1024 * 1024;

  // A file that a reply depends on, and its state when the reply was made; nothing: it was not there.
  struct Source {
    std::string name;
    std::optional<FileStamp> stamp;
  };
  using Sources = absl::InlinedVector<Source, 1>;

  // The reply that was kept under this key, if all of its sources still are as they were; else null.
  Reply Find(const Library& library, absl::string_view key) const;

  // Keeps the reply. A file that was changed just now may change again without a new stamp, and a reply that depends on
  // it is not kept.
  void Keep(absl::string_view key, Sources sources, Reply reply);

 private:
  struct Made {
    Sources sources;
    Reply reply;
  };
  using Kept = std::shared_ptr<const Made>;

  mutable Mutex mutex_;  // Not held while the file system is asked.
  absl::flat_hash_map<std::string, Kept> kept_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_REPLY_CACHE_H_
