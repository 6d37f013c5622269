// Library: the files under one root, by name, for all services. No name leads out of the root, not even through a
// symbolic link (openat2 with RESOLVE_BENEATH, see openat2(2)). Hidden files are not served, except for those that
// CheckNameToRead() accepts.
//
//   name ─▶ CheckName() ─▶ openat2 beneath Root::fd() ─▶ File (a download), Directory (a listing), Upload
//
//   an Upload:  StartUpload() ─▶ Append() ... ─▶ Store() ─┬─▶ stored: the name leads to the new file
//                                      │           ▲      └─▶ Unavailable: another one is at it; call again
//                                      │           └─────────────────────────────┘
//                                      └─ destroyed before that: nothing remains
//
// Names are relative, UTF-8, with '/' between directories. Errors carry the code that the protocols turn into their own
// words (HttpCode): a bad name is InvalidArgument, a shortage of descriptors Unavailable, and so on. Safe for use from
// several threads and processes: it holds nothing but the root's descriptor.
#ifndef POLYSERVE_FILES_LIBRARY_H_
#define POLYSERVE_FILES_LIBRARY_H_

#include <dirent.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "files/copy_note.h"
#include "files/file_stamp.h"
#include "files/quota.h"
#include "files/root.h"
#include "files/upload.h"

namespace polyserve {

// What one server needs of it is a line: Library::Open(root, {}). All calls block for as long as the file system does,
// and no longer; none waits for another program.
class Library {
 public:
  struct Options {
    bool read_only = false;
    int64_t max_file_bytes = INT64_MAX;  // Larger uploads are refused.
    // Bounds the bytes of all files together; null: nothing does. Its count is the caller's to begin (RecountQuota()).
    std::shared_ptr<const LibraryQuota> quota = nullptr;
    // Of uploads and new directories.
    Durability durability = Durability::kNone;
    // Some files are copies of another server's (--upstream): look for the note of each that is opened.
    bool has_copies = false;
  };

  // A file that is open. Its stamp is of the moment when it was opened; it stays readable even if it is removed.
  struct File : FileStamp {
    std::shared_ptr<const UniqueFd> fd;  // Open for reading.
    bool is_directory = false;
    std::shared_ptr<const CopyNote> copy = nullptr;  // If it is a copy, and the library has copies.
  };

  // What a listing shows of one file.
  struct Entry {
    std::string name;  // The last part alone.
    int64_t size;      // In bytes.
    int64_t mtime;     // In seconds since 1970.
    bool is_directory = false;
    bool is_link = false;  // The rest is of what it leads to.
  };

  // A directory that is being read, in no particular order. The library must outlive it. One thread at a time.
  class Directory {
   public:
    // Takes the next `count` names at most, and appends those that are served: files and directories, but not hidden
    // ones, or those whose names no protocol can carry (control characters, not UTF-8). False: these were the last
    // ones.
    absl::StatusOr<bool> Read(int count, std::vector<Entry>& entries);

   private:
    friend class Library;
    struct Closer {
      void operator()(DIR* stream) const { ::closedir(stream); }
    };
    using Stream = std::unique_ptr<DIR, Closer>;
    Directory(const Library& library, std::string prefix, Stream stream)
        : library_(&library), prefix_(std::move(prefix)), stream_(std::move(stream)) {}

    const Library* library_;
    std::string prefix_;  // Of the names in it, from the root on.
    Stream stream_;
  };

  // Fails if the root is not a readable directory.
  static absl::StatusOr<std::shared_ptr<const Library>> Open(const std::string& root, const Options& options);

  // The same, over a root that several processes share.
  static absl::StatusOr<std::shared_ptr<const Library>> Create(std::unique_ptr<const Root> root,
                                                               const Options& options);

  // A library over the same root, with other options.
  std::shared_ptr<const Library> With(const Options& options) const;

  // Whether copies of another server's files can be kept here: CheckCopyNotes() of the root.
  absl::Status CheckHasCopies() const { return CheckCopyNotes(root_->fd()); }

  // Looks again at what the root's path leads to, for all processes that share it; see Root::Reopen().
  absl::Status ReopenRoot() const { return root_->Reopen(); }

  // Counts anew what the quota bounds, if there is one. Blocks: see LibraryQuota::Recount().
  void RecountQuota() const {
    if (options_.quota != nullptr) options_.quota->Recount(root_->fd());
  }

  // Opens a regular file for reading. NotFound: there is none. InvalidArgument: a bad name. PermissionDenied: it
  // may not be read, its name is hidden, or it is a directory. Unavailable: another program holds a lease on it
  // (fcntl(2)), or the system is short of descriptors.
  absl::StatusOr<File> Find(absl::string_view name) const;

  // As Find(), but takes directories too; "" is the root.
  absl::StatusOr<File> FindFileOrDirectory(absl::string_view name) const;

  // The stamp of a regular file, without opening it: it need not be readable, and no lease is asked for.
  absl::StatusOr<FileStamp> Stat(absl::string_view name) const;

  // The stamp of what the name leads to beneath the root, for less than Find() costs, but the name is not checked, and
  // it may be a directory. So it is good for one question alone: is this still the file that Find() found?
  absl::StatusOr<FileStamp> Peek(absl::string_view name) const;

  // Whether there is anything of this name, even a link that leads nowhere. The name is not checked.
  bool HasName(absl::string_view name) const;

  // Opens a directory for reading, "" being the root. Errors as Find().
  absl::StatusOr<Directory> OpenDirectory(absl::string_view name) const;

  // Starts a file of `size` bytes. Refuses what cannot succeed: a bad name (InvalidArgument), a hidden one or a
  // symbolic link (PermissionDenied), a library that is read-only (Unimplemented), a directory in its place
  // (FailedPrecondition), a size over the limit (OutOfRange) or over the free space or the quota (ResourceExhausted).
  absl::StatusOr<std::unique_ptr<Upload>> StartUpload(absl::string_view name, int64_t size) const;

  // Makes a directory; the one above it must be there. OK if it is there already. Refuses as StartUpload() does. Blocks
  // as Upload::Store() does if uploads are durable.
  absl::Status MakeDirectory(absl::string_view name) const;

  // Removes a copy of another server's file. FailedPrecondition: it is no copy (any more). NotFound: there is no such
  // file. Unavailable: an upload is taking its name in this directory; call it again in a moment. Clients that have the
  // file open go on with it.
  absl::Status RemoveCopy(absl::string_view name) const;

  const Options& options() const { return options_; }

 private:
  Library(std::shared_ptr<const Root> root, const Options& options) : root_(std::move(root)), options_(options) {}

  absl::StatusOr<UniqueFd> OpenName(absl::string_view name, uint64_t flags) const;

  const std::shared_ptr<const Root> root_;
  const Options options_;
};

// The HTTP status code that says the same as the error: 400 401 403 404 405 409 413 503 507; 502 and 504 of another
// server (Aborted, DeadlineExceeded); 500 for all others.
int HttpCode(const absl::Status& error);

}  // namespace polyserve

#endif  // POLYSERVE_FILES_LIBRARY_H_
