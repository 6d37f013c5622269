// Download: a file on its way to this machine. It is written aside, under a hidden name in the same directory, and
// takes its name at once when it is whole: nobody sees a part, and a transfer that fails leaves what was there. A file
// that takes another one's place has its rights, and its owner if the system allows that; a new one has what the umask
// leaves.
#ifndef POLYSERVE_CLIENT_DOWNLOAD_H_
#define POLYSERVE_CLIENT_DOWNLOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace polyserve {

// Destroying it before Commit() removes what was written. One thread at a time, but for WriteAt().
class Download {
 public:
  // Starts a file that will be called `path`. A symbolic link is followed: what it points at is replaced. A device or
  // a pipe (/dev/null, /dev/stdout) is written to directly, since a file must not take its place. FailedPrecondition:
  // a directory has the name. Others: as open(2) has it.
  static absl::StatusOr<Download> Start(const std::string& path);
  // Writes to standard output, which stays open.
  static absl::StatusOr<Download> ToStandardOutput();

  Download(Download&& other) noexcept;
  Download& operator=(Download&&) = delete;
  ~Download();

  absl::Status Append(absl::string_view bytes);

  // Writes at this offset, for files that come in parts: not to standard output, nor to a device. Threads: any, as long
  // as nobody appends.
  absl::Status WriteAt(int64_t offset, absl::string_view bytes);

  // Reads what was written at this offset, `count` bytes of it. DataLoss: there are not so many. Threads: as WriteAt().
  absl::StatusOr<std::string> ReadAt(int64_t offset, size_t count) const;

  // False if it is a device or standard output, which take bytes in their order only.
  bool takes_parts() const { return !aside_path_.empty(); }

  // Gives the file its name, in place of what had it. Not synced to the disk. To be called once, last.
  absl::Status Commit();

 private:
  Download(UniqueFd file, std::string path, std::string aside_path);
  // Gives it the rights of what it is to replace, as far as the system lets us; never more.
  void TakeOverRights() const;

  UniqueFd file_;
  std::string path_;
  std::string aside_path_;  // The name that it has meanwhile; empty if it has none to be removed.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_DOWNLOAD_H_
