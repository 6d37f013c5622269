// FileStamp: one state of a file, for conditions and for what is kept of it.
#ifndef POLYSERVE_FILES_FILE_STAMP_H_
#define POLYSERVE_FILES_FILE_STAMP_H_

#include <sys/stat.h>

#include <cstdint>

namespace polyserve {

// Identifies one state of a file: any change of the file changes its stamp, unless two changes fall into one tick of
// the file system's clock (a few milliseconds) and leave the size as it was.
struct FileStamp {
  int64_t size;               // In bytes.
  int64_t mtime;              // Last change, in seconds since 1970,
  int64_t mtime_nanoseconds;  // and the part of a second above that.
  uint64_t inode;             // Differs between a file and the one that replaces it.
  uint64_t device = 0;        // Where the inode is.
  int64_t touched = 0;        // Last change of content, name or rights (ctime), in nanoseconds since 1970.

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// A change time in nanoseconds fits in 63 bits until the year 2262.
inline FileStamp StampOf(const struct stat& info) {
  return {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
          info.st_ino,  info.st_dev,         info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

}  // namespace polyserve

#endif  // POLYSERVE_FILES_FILE_STAMP_H_
