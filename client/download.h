// Download: a file that is being received. It is written under a hidden name in the same directory, and renamed in one
// step when it is complete: no other program sees a part of it, and a transfer that fails leaves the old file. A file
// that replaces another one gets its rights, and its owner if the system allows that; a new one follows the umask.
//
//   Start() ─────▶ .polyserve-PID-N.part ── Append() or WriteAt() ──▶ Commit(): rename(2) to the file's name
//                                        └─ destroyed before that: unlink(2)
//   Continue() ──▶ .NAME.polyserve-part, the same; but if it is destroyed before Commit(), it stays for the next time
#ifndef POLYSERVE_CLIENT_DOWNLOAD_H_
#define POLYSERVE_CLIENT_DOWNLOAD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

// Destroying it before Commit() removes what was written, unless Continue() has made it. Threads: one at a time, except
// for WriteAt() and ReadAt(). Errors of all methods: those of the system calls, with the file's name.
class Download {
 public:
  // Starts a file that will be called `path`. A symbolic link is followed, and its target replaced. A device or a pipe
  // (/dev/null, /dev/stdout) is written to directly, since a file must not replace it. Returns FailedPrecondition if
  // `path` is a directory.
  static absl::StatusOr<Download> Start(const std::string& path);
  // The same, with what an earlier object of this kind has left for `path`: size() bytes. What they are worth is for
  // the caller to find out. Returns FailedPrecondition if another process is at it, or if something else has the name:
  // a file of another user, a link. Returns InvalidArgument if `path` is a device or a pipe.
  static absl::StatusOr<Download> Continue(const std::string& path);
  // Writes to standard output, which stays open.
  static absl::StatusOr<Download> ToStandardOutput();

  Download(Download&& other) noexcept;
  Download& operator=(Download&&) = delete;
  ~Download();

  // Writes all of `bytes` behind what was written before.
  absl::Status Append(absl::string_view bytes);

  // Writes at this offset, for files that arrive in parts. Several threads may call it at the same time, for different
  // bytes, but not together with Append(). REQUIRES: takes_parts().
  absl::Status WriteAt(int64_t offset, absl::string_view bytes);

  // Reads back `count` bytes from this offset. Returns DataLoss if the file has fewer. Threads: as WriteAt().
  // REQUIRES: takes_parts().
  absl::StatusOr<std::string> ReadAt(int64_t offset, size_t count) const;

  // The bytes that there are, and the date that SetDate() has given them, in seconds since 1970. REQUIRES:
  // takes_parts().
  absl::StatusOr<int64_t> size() const;
  absl::StatusOr<int64_t> date() const;
  // Removes all bytes. REQUIRES: takes_parts().
  absl::Status Clear();
  // Gives what is left behind this date, the server's for the file, so that Continue() can tell whether it is of the
  // same file. A file that is whole is dated now, as any other.
  void SetDate(int64_t seconds_since_1970) { date_ = seconds_since_1970; }
  // Leaves nothing behind, as if Start() had made it: what is there is of no use.
  void Discard() { stays_ = false; }

  // False for a device or standard output, which take bytes in order only.
  bool takes_parts() const { return !aside_path_.empty(); }

  // Gives the file its name, in place of the old one. Not synced to the disk. Call once, last.
  absl::Status Commit();

 private:
  Download(UniqueFd file, std::string path, std::string aside_path);
  // Gives the file the rights of the one it replaces, as far as the system allows; never more.
  void TakeOverRights() const;

  UniqueFd file_;
  std::string path_;
  std::string aside_path_;  // The temporary name; empty if there is no file to rename or remove.
  bool stays_ = false;      // It is left for the next Continue() unless it gets its name.
  std::optional<int64_t> date_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_DOWNLOAD_H_
