#include "client/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "client/reply.h"
#include "client/same_bytes.h"

namespace polyserve {

namespace {

namespace fs = std::filesystem;

// A file to send, with its size when the directory was read.
struct LocalFile {
  std::string name;  // Below the directory.
  int64_t size;
};

// What there is to send.
struct Inventory {
  std::vector<LocalFile> files;
  std::vector<std::string> directories;  // Those above come first.
  std::vector<std::string> left_out;
  std::vector<absl::Status> errors;
};

// Lists what there is to send before anything is sent, so that the progress knows the whole. Level by level, without
// recursion: a deep tree must not overflow the stack.
class Stocktaking {
 public:
  Stocktaking(const std::string& directory, bool recursive) : directory_(directory), recursive_(recursive) {}

  // An error: the directory itself cannot be read.
  absl::StatusOr<Inventory> Take() {
    if (absl::Status status = Visit(""); !status.ok()) return status;
    // Grows while it is walked. A sub-directory that cannot be read is one error, and the rest goes on.
    // NOLINTNEXTLINE(modernize-loop-convert): Visit() lets it grow.
    for (size_t i = 0; i < found_.directories.size(); ++i) {
      if (absl::Status status = Visit(found_.directories[i] + "/"); !status.ok()) found_.errors.push_back(status);
    }
    // readdir(3) has no order of its own. With one, two backups of a directory send the same files in the same
    // sequence, and their reports can be compared line by line.
    std::sort(found_.files.begin(), found_.files.end(),
              [](const LocalFile& a, const LocalFile& b) { return a.name < b.name; });
    std::sort(found_.left_out.begin(), found_.left_out.end());
    return std::move(found_);
  }

 private:
  // Looks at all entries of a directory. `prefix` is the directory below the root of the backup: empty, or with a slash
  // at its end. increment(), not ++, which would throw if the directory vanishes meanwhile. After an error the iterator
  // is at the end, so the loop stops there; what it found before stays in the inventory.
  absl::Status Visit(const std::string& prefix) {
    const std::string path = absl::StrCat(directory_, "/", prefix);
    std::error_code error;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      Look(*at, absl::StrCat(prefix, at->path().filename().string()));
    }
    if (!error) return absl::OkStatus();
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read the directory ", path));
  }

  // symlink_status() does not follow links: they count as no regular file. A file whose size cannot be read is sent all
  // the same; Put() reports what is wrong with it.
  void Look(const fs::directory_entry& entry, const std::string& name) {
    std::error_code error;
    const fs::file_type type = entry.symlink_status(error).type();
    // Hidden first: a server refuses every path with a hidden part, so a hidden directory is not worth walking either.
    if (entry.path().filename().string()[0] == '.') {
      LeaveOut(name, "hidden");
    } else if (type == fs::file_type::directory && recursive_) {
      found_.directories.push_back(name);
    } else if (type == fs::file_type::directory) {
      LeaveOut(name, "a directory; see --recursive");
    } else if (type != fs::file_type::regular) {
      LeaveOut(name, "no regular file");
    } else {
      const uintmax_t size = entry.file_size(error);
      found_.files.push_back({name, error ? 0 : static_cast<int64_t>(size)});
    }
  }

  void LeaveOut(const std::string& name, const char* why) {
    found_.left_out.push_back(absl::StrCat(name, " (", why, ")"));
  }

  const std::string& directory_;
  const bool recursive_;
  Inventory found_;
};

// One after the other: there are fewer directories than files, and a parent has to exist before its children. If the
// connection is lost, the rest is given up, because each file in a missing directory reports it once more.
void MakeDirectories(const std::vector<std::string>& names, const BackupOptions& options,
                     std::vector<absl::Status>& errors) {
  if (names.empty()) return;
  absl::StatusOr<FileClient> client = FileClient::Connect(options.server, options.connection);
  for (const std::string& name : names) {
    const absl::Status status = client.ok() ? client->MakeDirectory(name) : client.status();
    if (!status.ok()) errors.emplace_back(status.code(), absl::StrCat(name, "/: ", status.message()));
    // A refusal leaves the connection usable, and the next directory may be allowed.
    if (!client.ok() || !client->connected()) return;
  }
}

// Reads `count` bytes; DataLoss if the file has fewer.
absl::StatusOr<std::string> ReadAt(int file, int64_t offset, size_t count) {
  std::string bytes(count, '\0');
  for (size_t done = 0; done < count;) {
    const ssize_t got = ::pread(file, &bytes[done], count - done, offset + static_cast<int64_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SysError("cannot read a file");
    if (got == 0) return absl::DataLossError("a file has become shorter meanwhile");
    done += static_cast<size_t>(got);
  }
  return bytes;
}

// Whether the server has this file under its name: by its size, which costs a round trip, and then by hashes. Not by
// the date, which on the server is that of the upload. If something is wrong with the file here or there, the answer is
// no, and Put() finds out what. Errors: the connection is lost, or the user has interrupted.
absl::StatusOr<bool> IsStored(const std::string& path, const std::string& name, FileClient& client) {
  // O_NONBLOCK: a FIFO may have taken the place of the file that was listed.
  const UniqueFd here(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat own;
  if (!here.ok() || ::fstat(here.get(), &own) != 0 || !S_ISREG(own.st_mode)) return false;
  const absl::StatusOr<FileInfo> there = client.Stat(name);
  absl::StatusOr<bool> is_same = false;
  if (there.ok() && there->size == own.st_size) {
    is_same = HasSameBytes(client, name, 0, own.st_size,
                           [&here](int64_t offset, size_t count) { return ReadAt(here.get(), offset, count); });
  }
  const absl::Status status = there.ok() ? is_same.status() : there.status();
  // A refusal leaves the connection open, and so does an error of ReadAt().
  if (!status.ok() && (absl::IsCancelled(status) || !client.connected())) return status;
  return is_same.ok() && *is_same;
}

// A pool of threads that take one file after the other off the list, so that a large file delays only one of them. Each
// thread has one connection, and makes a new one if a file has ended it.
class Pool {
 public:
  Pool(const std::string& directory, const BackupOptions& options, std::vector<LocalFile> files,
       const FileClient::Progress& progress)
      : directory_(directory), options_(options), files_(std::move(files)), progress_(progress) {
    for (const LocalFile& file : files_) total_ += file.size;
  }

  BackupResult Run() {
    // The threads are joined at the end of this block.
    {
      // Each thread costs a connection, which the server may have to count against its limit: no more than there is
      // work for.
      const auto count = std::min(static_cast<size_t>(options_.jobs), files_.size());
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < count; ++i) threads.emplace_back([this] { Work(); });
    }
    // No other thread is left. The lock is for the compiler, which checks the annotation of result_ and knows nothing
    // of joins.
    const MutexLock lock(mutex_);
    return std::move(result_);
  }

 private:
  // What each thread does: one file after the other, over one connection.
  void Work() {
    std::optional<FileClient> client;
    while (const LocalFile* file = Next()) {
      const absl::StatusOr<bool> sent = Send(*file, client);
      const MutexLock lock(mutex_);
      // The others see their own wait cancelled, or find no further file. (The interrupt's descriptor stays readable,
      // so every wait on it ends.)
      if (absl::IsCancelled(sent.status())) next_ = files_.size();
      if (!sent.ok()) {
        result_.errors.emplace_back(sent.status().code(), absl::StrCat(file->name, ": ", sent.status().message()));
      } else if (*sent) {
        ++result_.files;
        result_.bytes += file->size;
      } else {
        ++result_.unchanged;
      }
    }
  }

  // The pointer stays valid without the lock, since files_ never changes.
  const LocalFile* Next() {
    const MutexLock lock(mutex_);
    return next_ < files_.size() ? &files_[next_++] : nullptr;
  }

  // False if the server has the file already.
  absl::StatusOr<bool> Send(const LocalFile& file, std::optional<FileClient>& client) {
    // Connects on demand, and so once more after each file that has ended the connection. If the server is gone, each
    // of the remaining files fails by itself, and the report names all of them.
    if (!client.has_value() || !client->connected()) {
      absl::StatusOr<FileClient> made = FileClient::Connect(options_.server, options_.connection);
      if (!made.ok()) return made.status();
      client.emplace(*std::move(made));
    }
    const std::string path = absl::StrCat(directory_, "/", file.name);
    const absl::StatusOr<bool> is_stored = IsStored(path, file.name, *client);
    if (!is_stored.ok()) return is_stored.status();
    // Put() reports how much of its file is sent; the sum over all files needs the difference since its last report.
    int64_t before = 0;
    if (!*is_stored) {
      const absl::Status status =
          client->Put(path, file.name, [this, &before](int64_t done, int64_t) { Show(done - before), before = done; });
      if (!status.ok()) return status;
    }
    // Corrects the sum if the file has grown or shrunk since it was listed: the total counts its size of that time.
    Show(file.size - before);
    return !*is_stored;
  }

  // The callback runs under the lock: two threads that drew at the same time would mix their lines, and the sums must
  // arrive in the order in which they grow.
  void Show(int64_t bytes) {
    const MutexLock lock(mutex_);
    done_ += bytes;
    if (progress_) progress_(done_, total_);
  }

  const std::string& directory_;
  const BackupOptions& options_;
  const std::vector<LocalFile> files_;
  const FileClient::Progress& progress_;
  int64_t total_ = 0;
  Mutex mutex_;
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  BackupResult result_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<BackupResult> BackUp(const std::string& directory, const BackupOptions& options,
                                    const FileClient::Progress& progress) {
  absl::StatusOr<Inventory> found = Stocktaking(directory, options.recursive).Take();
  if (!found.ok()) return found.status();
  MakeDirectories(found->directories, options, found->errors);
  const auto count = static_cast<int64_t>(found->files.size());
  BackupResult result = Pool(directory, options, std::move(found->files), progress).Run();
  result.errors.insert(result.errors.begin(), found->errors.begin(), found->errors.end());
  result.found = count;
  result.left_out = std::move(found->left_out);
  return result;
}

}  // namespace polyserve
