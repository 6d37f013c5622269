#include "client/backup.h"

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

namespace polyserve {

namespace {

struct LocalFile {
  std::string name;
  int64_t size;
};

// A pool of threads that take one file after the other off the list.
class Pool {
 public:
  Pool(const std::string& directory, const BackupOptions& options, std::vector<LocalFile> files,
       const FileClient::Progress& progress)
      : directory_(directory), options_(options), files_(std::move(files)), progress_(progress) {
    for (const LocalFile& file : files_) total_ += file.size;
  }

  BackupResult Run() {
    {
      const auto count = std::min(static_cast<size_t>(options_.jobs), files_.size());
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < count; ++i) threads.emplace_back([this] { Work(); });
    }
    const MutexLock lock(mutex_);
    return std::move(result_);
  }

 private:
  void Work() {
    std::optional<FileClient> client;
    while (const LocalFile* file = Next()) {
      const absl::Status status = Send(*file, client);
      const MutexLock lock(mutex_);
      if (absl::IsCancelled(status)) next_ = files_.size();
      if (status.ok()) {
        ++result_.files;
        result_.bytes += file->size;
      } else {
        result_.errors.emplace_back(status.code(), absl::StrCat(file->name, ": ", status.message()));
      }
    }
  }

  const LocalFile* Next() {
    const MutexLock lock(mutex_);
    return next_ < files_.size() ? &files_[next_++] : nullptr;
  }

  absl::Status Send(const LocalFile& file, std::optional<FileClient>& client) {
    if (!client.has_value() || !client->connected()) {
      absl::StatusOr<FileClient> made = FileClient::Connect(options_.server, options_.connection);
      if (!made.ok()) return made.status();
      client.emplace(*std::move(made));
    }
    int64_t before = 0;
    const absl::Status status =
        client->Put(absl::StrCat(directory_, "/", file.name), file.name,
                    [this, &before](int64_t done, int64_t) { Show(done - before), before = done; });
    if (status.ok()) Show(file.size - before);
    return status;
  }

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
  std::error_code error;
  std::vector<LocalFile> files;
  std::vector<std::string> left_out;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (name[0] == '.') continue;
    std::error_code ignored;
    if (at->symlink_status(ignored).type() == std::filesystem::file_type::regular) {
      files.push_back({name, static_cast<int64_t>(at->file_size(ignored))});
    } else {
      left_out.push_back(name);
    }
  }
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read the directory ", directory));
  std::sort(files.begin(), files.end(), [](const LocalFile& a, const LocalFile& b) { return a.name < b.name; });
  std::sort(left_out.begin(), left_out.end());
  BackupResult result = Pool(directory, options, std::move(files), progress).Run();
  result.left_out = std::move(left_out);
  return result;
}

}  // namespace polyserve
