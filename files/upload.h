// Upload: a file that comes in, and takes its name when it is complete. Library::StartUpload() makes one; library.h
// draws its life.
#ifndef POLYSERVE_FILES_UPLOAD_H_
#define POLYSERVE_FILES_UPLOAD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "files/copy_note.h"
#include "files/file_stamp.h"
#include "files/quota.h"

namespace polyserve {

// What an upload that was acknowledged survives.
enum class Durability {
  kNone,   // The end of the server, however it comes.
  kFsync,  // The loss of power as well, by fsync(2), which may take as long as the disk has to write.
};

// A file being uploaded. It is written without a name if the file system allows that (O_TMPFILE), else under a
// temporary one, and takes its name atomically when it is complete: readers see the old file or the new one, never a
// part. Destroying it before Commit() discards it. One thread at a time.
//
// Uploads into the same directory take their names one after the other, whichever threads, processes and servers they
// belong to: each locks the directory (flock(2)) from the look at what has the name to the renaming. The kernel keeps
// that lock, and frees it should its owner be killed. Programs that don't lock the directory are not held off.
class Upload {
 public:
  // Makes the file. `directory` is the destination. `lock` is the directory to lock if it is not `directory`, which
  // then need not be readable. `name` is that of a file in it, without a slash.
  static absl::StatusOr<std::unique_ptr<Upload>> Start(UniqueFd directory, UniqueFd lock, std::string name);
  // The library has a quota; null: none. What the file replaces has `replaced_bytes`, as it seems now.
  void HoldTo(std::shared_ptr<const LibraryQuota> quota, int64_t replaced_bytes) {
    quota_ = std::move(quota);
    bytes_ = -replaced_bytes;
  }
  // Has Store() return only when the file and its name are on the disk. The directory must be open for reading.
  void MakeDurable() { is_durable_ = true; }
  // Store() may then block for as long as the disk takes, so a loop should leave it to a task.
  bool is_durable() const { return is_durable_; }
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // True if the file system says for certain that a file of this size does not fit.
  bool IsKnownNotToFit(int64_t size) const;

  // Appends to the file. ResourceExhausted: the disk is full, or a quota or the file system's largest size is reached.
  // May block as a write to a file does. After an error, destroy the upload.
  absl::Status Append(absl::string_view bytes);

  // The file is a copy of another server's, of which this is known. `mtime`, in seconds since 1970, becomes the time of
  // its last change. Call it when all is appended.
  absl::Status NoteCopy(const CopyNote& note, std::optional<int64_t> mtime);

  // Gives the file its name, in place of what had it. It survives the end of the server, and the loss of power if
  // is_durable(). Unavailable: another upload is taking its name in this directory; call it again in a moment. After
  // any other result, do not call it again. DataLoss: the disk has failed, and the name may lead to either file. The
  // directory stays locked until this is destroyed, unless is_durable(), so do that soon.
  absl::Status Commit() { return Store(nullptr).status(); }

  // Whether the file may take its name, given what has the name now; null: nothing has.
  using Condition = std::function<bool(const FileStamp* current)>;
  enum class Stored { kNew, kReplaced };

  // Whether the condition (null: none) holds at the moment: OK, AlreadyExists, or FailedPrecondition for a directory.
  absl::Status Check(const Condition& condition) const;

  // Commit() under a condition (null: none), which still holds when the file takes its name. AlreadyExists: it does not
  // hold.
  absl::StatusOr<Stored> Store(const Condition& condition);

  // The stamp of the file as it is stored; call it after Store() has succeeded, for an ETag.
  absl::StatusOr<FileStamp> Stamp() const;

 private:
  Upload(UniqueFd directory, UniqueFd lock, std::string name, UniqueFd file, std::string aside_name);

  int lock_fd() const { return lock_.ok() ? lock_.get() : directory_.get(); }
  bool Lock();  // False: another upload has the directory.
  absl::Status SyncContent();
  absl::StatusOr<Stored> StoreCounted(const Condition& condition);
  absl::StatusOr<Stored> StoreLocked(const Condition& condition);
  int64_t Growth() const;  // Of the library, in bytes, if the file is stored now.
  absl::Status CheckOld(const Condition& condition, bool& is_there) const;
  bool TakeFreeName();                   // On failure, sets errno.
  absl::Status Replace();                // Takes the name from what has it.
  bool LinkAs(const std::string& name);  // Gives the file one more name; on failure, sets errno.

  const UniqueFd directory_;
  const UniqueFd lock_;
  const std::string name_;
  const UniqueFd file_;
  std::string aside_name_;                     // Its temporary name; empty if it has none.
  std::shared_ptr<const LibraryQuota> quota_;  // Null if there is none.
  int64_t bytes_ = 0;                          // Of the file, less those of the one that it replaces.
  bool is_durable_ = false;
  bool is_synced_ = false;  // The content is on the disk.
};

}  // namespace polyserve

#endif  // POLYSERVE_FILES_UPLOAD_H_
