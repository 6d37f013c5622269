// CopyNote: what is known of a file that was fetched from another server (--upstream). It is kept with the file, in an
// extended attribute (xattr(7)): it is there as soon as the file is, goes where the file goes, and a file that takes
// the name has none. A file without a note is the server's own.
//
// A note is that of the file's size and time. Whoever writes to a copy makes it an own file, which is never replaced
// nor removed.
#ifndef POLYSERVE_FILES_COPY_NOTE_H_
#define POLYSERVE_FILES_COPY_NOTE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "files/file_stamp.h"

namespace polyserve {

struct CopyNote {
  // Longer ones are no use to anyone, and the attributes of a file share a block of its file system.
  static constexpr size_t kMaxTextBytes = 512;

  std::string etag = {};           // As the other server has written it, with its quotes; "": it has sent none.
  std::string last_modified = {};  // Likewise.
  int64_t fresh_until = 0;         // In seconds since 1970.
  bool must_validate = false;      // After that, the other server has to be asked before the copy is served.

  bool IsFresh(int64_t now) const { return now < fresh_until; }
  friend bool operator==(const CopyNote&, const CopyNote&) = default;
};

// Writes the note of the file in this state, in place of the one that it may have: if somebody has changed the file
// since, the note is about nothing, and the file stays its owner's. Changes the time of its last change (ctime), and
// nothing else. A text that is too long, or holds control characters, is left out. Errors of the system, such as
// PermissionDenied; ResourceExhausted: there is no room.
absl::Status WriteCopyNote(int file, const FileStamp& stamp, const CopyNote& note);

// The note of an open file; nothing if it has none, or has changed since. `stamp` is that of the descriptor.
std::optional<CopyNote> ReadCopyNote(int file, const FileStamp& stamp);

// Whether files beneath this directory can have notes. Unimplemented, with a text for the user, if the file system has
// no extended attributes; other errors if the directory cannot be written to.
absl::Status CheckCopyNotes(int directory);

}  // namespace polyserve

#endif  // POLYSERVE_FILES_COPY_NOTE_H_
