#include "client/parts.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "client/reply.h"

namespace polyserve {

namespace {

// Smaller parts cost more by their connection than they gain.
constexpr int64_t kLeastPartBytes = 64 * 1024;

struct Source {
  Endpoint at;
  FileInfo file;
};

class PartsTransfer {
 public:
  PartsTransfer(const PartsOptions& options, const std::string& name, Download& download,
                const FileClient::Progress& progress)
      : options_(options), name_(name), download_(download), progress_(progress) {}

  absl::StatusOr<int64_t> Fetch() {
    if (absl::Status status = FindSources(); !status.ok()) return status;
    FetchAll();
    if (absl::Status status = TakeError(); !status.ok()) return status;
    if (absl::Status status = CheckUnchanged(); !status.ok()) return status;
    return total_;
  }

 private:
  // Those that cannot be asked are left out.
  absl::Status FindSources() {
    absl::Status last;
    for (const Endpoint& at : options_.sources) {
      absl::StatusOr<FileInfo> file = Stat(at);
      if (file.ok()) {
        sources_.push_back({at, *std::move(file)});
      } else {
        last = file.status();
      }
    }
    if (sources_.empty()) return last;
    total_ = sources_[0].file.size;
    for (const Source& source : sources_) {
      if (source.file.size == total_) continue;
      return absl::AbortedError(absl::StrCat("the sources differ: ", sources_[0].at.ToString(), " has ", total_,
                                             " bytes, ", source.at.ToString(), " ", source.file.size));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<FileInfo> Stat(const Endpoint& at) const {
    absl::StatusOr<FileClient> client = FileClient::Connect(at, options_.connection);
    if (!client.ok()) return client.status();
    return client->Stat(name_);
  }

  void FetchAll() {
    const int64_t useful = std::max<int64_t>((total_ + kLeastPartBytes - 1) / kLeastPartBytes, 1);
    const int64_t count = std::min<int64_t>(options_.segments, useful);
    const int64_t size = total_ / count;
    std::vector<std::jthread> threads;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t end = i + 1 == count ? total_ : size * (i + 1);
      threads.emplace_back([this, i, begin = size * i, end] { FetchPart(static_cast<size_t>(i), begin, end); });
    }
  }

  // Goes on at the next source where one fails.
  void FetchPart(size_t number, int64_t begin, int64_t end) {
    absl::Status status;
    for (size_t i = 0; i < sources_.size(); ++i) {
      status = FetchFrom(sources_[(number + i) % sources_.size()], begin, end);
      if (status.ok() || absl::IsCancelled(status)) break;
    }
    const MutexLock lock(mutex_);
    if (!status.ok()) error_ = std::move(status);
  }

  // Moves `begin` as far as it came.
  absl::Status FetchFrom(const Source& source, int64_t& begin, int64_t end) {
    absl::StatusOr<FileClient> client = FileClient::Connect(source.at, options_.connection);
    if (!client.ok()) return client.status();
    const absl::StatusOr<int64_t> size =
        client->GetRange(name_, begin, end - begin, [this, &begin](absl::string_view bytes) {
          if (absl::Status status = download_.WriteAt(begin, bytes); !status.ok()) return status;
          begin += static_cast<int64_t>(bytes.size());
          Show(bytes.size());
          return absl::OkStatus();
        });
    if (!size.ok()) return size.status();
    return begin == end ? absl::OkStatus() : absl::AbortedError("the file has become shorter meanwhile");
  }

  void Show(size_t bytes) {
    const MutexLock lock(mutex_);
    done_ += static_cast<int64_t>(bytes);
    if (progress_) progress_(done_, total_);
  }

  absl::Status TakeError() {
    const MutexLock lock(mutex_);
    return error_;
  }

  // Parts of the old file and of a new one would make neither. A source that has gone cannot tell any more.
  absl::Status CheckUnchanged() const {
    for (const Source& source : sources_) {
      const absl::StatusOr<FileInfo> now = Stat(source.at);
      if (!now.ok() && !RefusalCode(now.status()).has_value()) continue;
      if (!now.ok() || now->size != total_ || now->mtime != source.file.mtime) {
        return absl::AbortedError(absl::StrCat("the file has changed meanwhile at ", source.at.ToString()));
      }
    }
    return absl::OkStatus();
  }

  const PartsOptions& options_;
  const std::string& name_;
  Download& download_;
  const FileClient::Progress& progress_;
  std::vector<Source> sources_;
  int64_t total_ = 0;
  Mutex mutex_;
  int64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<int64_t> FetchInParts(const PartsOptions& options, const std::string& name, Download& download,
                                     const FileClient::Progress& progress) {
  return PartsTransfer(options, name, download, progress).Fetch();
}

}  // namespace polyserve
