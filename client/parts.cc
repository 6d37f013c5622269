#include "client/parts.h"

#include <algorithm>
#include <functional>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "client/reply.h"
#include "client/same_bytes.h"

namespace polyserve {

namespace {

// A smaller part costs more for its connection than it gains.
constexpr int64_t kLeastPartBytes = 64 * 1024;

struct Source {
  ServerAddress at;
  FileInfo file;
  bool has_hashes = true;
};

absl::Status SourcesDiffer(const Source& a, const Source& b, absl::string_view how) {
  return absl::AbortedError(absl::StrCat("the sources differ, and parts of both would make neither: ", a.at.ToString(),
                                         " and ", b.at.ToString(), " have files of other ", how));
}

// The transfer of one file. FetchPart() and CheckPart() run in a thread for each part, everything else in the caller's.
// The threads share sources_ and total_, which no longer change by then, and the download, whose WriteAt() and ReadAt()
// allow it.
//
//   FindSources() ─▶ CompareSources() ─▶ FetchPart(), for all parts ─▶ CheckPart(), for all parts ─▶ CheckDates()
//
// The hashes are compared last, since only then can a change during the transfer show.
class PartsTransfer {
 public:
  PartsTransfer(const PartsOptions& options, const std::string& name, Download& download,
                const FileClient::Progress& progress)
      : options_(options), name_(name), download_(download), progress_(progress) {}

  absl::StatusOr<int64_t> Fetch() {
    if (absl::Status status = FindSources(); !status.ok()) return status;
    if (absl::Status status = CompareSources(); !status.ok()) return status;
    if (absl::Status status = ForEachPart(&PartsTransfer::FetchPart); !status.ok()) return status;
    if (absl::Status status = ForEachPart(&PartsTransfer::CheckPart); !status.ok()) return status;
    if (absl::Status status = CheckDates(); !status.ok()) return status;
    return total_;
  }

 private:
  // Sources that cannot be asked, or do not have the file, are left out; if that is all of them, the last one's error
  // is the result.
  absl::Status FindSources() {
    absl::Status last;
    for (const ServerAddress& at : options_.sources) {
      absl::StatusOr<Source> source = Ask(at);
      if (source.ok()) {
        sources_.push_back(*std::move(source));
      } else if (absl::IsCancelled(source.status())) {
        return source.status();
      } else {
        last = source.status();
      }
    }
    if (sources_.empty()) return last;
    total_ = sources_[0].file.size;
    return absl::OkStatus();
  }

  // The hash of no bytes costs the server nothing, and shows whether it knows hashes.
  absl::StatusOr<Source> Ask(const ServerAddress& at) const {
    absl::StatusOr<FileClient> client = FileClient::Connect(at, options_.connection);
    if (!client.ok()) return client.status();
    absl::StatusOr<FileInfo> file = client->Stat(name_);
    if (!file.ok()) return file.status();
    const absl::StatusOr<FileClient::Hash> hash = client->HashRange(name_, 0, 0);
    return Source{at, *std::move(file), hash.ok()};
  }

  // Dates count only if a source without hashes takes part: copies of a file often have different ones.
  absl::Status CompareSources() const {
    const bool all_have_hashes =
        std::all_of(sources_.begin(), sources_.end(), [](const Source& source) { return source.has_hashes; });
    for (const Source& source : sources_) {
      if (source.file.size != total_) return SourcesDiffer(sources_[0], source, "sizes");
      if (source.file.mtime != sources_[0].file.mtime && !all_have_hashes) {
        return SourcesDiffer(sources_[0], source, "dates, and not all can tell more");
      }
    }
    return absl::OkStatus();
  }

  using Step = absl::Status (PartsTransfer::*)(size_t number, int64_t begin, int64_t end);

  // Runs the step for all parts at the same time, and returns an error of one of them. All parts have the same size but
  // the last one, which has the remainder. An empty file is one part, so that its sources are still asked.
  absl::Status ForEachPart(Step step) {
    // FetchPart() and CheckPart() must get the same parts, since a part is checked by what was written in it: hence one
    // function for both, whose division depends on nothing that changes in between.
    const int64_t useful = std::max<int64_t>((total_ + kLeastPartBytes - 1) / kLeastPartBytes, 1);
    const int64_t count = std::min<int64_t>(options_.segments, useful);
    const int64_t size = total_ / count;
    // Each thread writes to an element of its own, so no lock is needed. The threads are joined at the end of the
    // block.
    std::vector<absl::Status> results(static_cast<size_t>(count));
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < results.size(); ++i) {
        const int64_t begin = size * static_cast<int64_t>(i);
        const int64_t end = i + 1 == results.size() ? total_ : begin + size;
        threads.emplace_back([=, this, &result = results[i]] { result = std::invoke(step, *this, i, begin, end); });
      }
    }
    // A part that fails does not stop the others, which end by themselves. An interrupt does stop all: its descriptor
    // stays readable, so every wait of every thread returns.
    const auto failed = std::find_if(results.begin(), results.end(), [](const auto& result) { return !result.ok(); });
    return failed == results.end() ? absl::OkStatus() : *failed;
  }

  // Part N begins with source N, so that the parts spread over the sources. If one fails, the next one continues where
  // it stopped: nothing is fetched twice. An error of this side, such as a full disk, comes back in the same way;
  // trying it once with each source costs little, and needs no case of its own.
  absl::Status FetchPart(size_t number, int64_t begin, int64_t end) {
    absl::Status status;
    for (size_t i = 0; i < sources_.size(); ++i) {
      status = FetchFrom(sources_[(number + i) % sources_.size()], begin, end);
      if (status.ok() || absl::IsCancelled(status)) break;
    }
    return status;
  }

  // Fetches from one source, and moves `begin` to the first byte that is still missing.
  absl::Status FetchFrom(const Source& source, int64_t& begin, int64_t end) {
    absl::StatusOr<FileClient> client = FileClient::Connect(source.at, options_.connection);
    if (!client.ok()) return client.status();
    const absl::StatusOr<int64_t> size =
        client->GetRange(name_, begin, end - begin, [this, &begin](absl::string_view bytes) {
          // Written first, then counted: if writing fails, `begin` still names the first byte that is missing.
          if (absl::Status status = download_.WriteAt(begin, bytes); !status.ok()) return status;
          begin += static_cast<int64_t>(bytes.size());
          Show(bytes.size());
          return absl::OkStatus();
        });
    if (!size.ok()) return size.status();
    // The server cuts a range off at the end of its file (GetRange()), and that is no error there. Here it is one: the
    // size was asked for before.
    return begin == end ? absl::OkStatus() : absl::AbortedError("the file has become shorter meanwhile");
  }

  void Show(size_t bytes) {
    const MutexLock lock(mutex_);
    done_ += static_cast<int64_t>(bytes);
    if (progress_) progress_(done_, total_);
  }

  // Compares the part with the same bytes at each source. A source that is gone cannot answer, but at least one must.
  absl::Status CheckPart(size_t, int64_t begin, int64_t end) {
    absl::Status lost;
    // A source without hashes counts as an answer, because CheckDates() judges it.
    bool is_told = false;
    for (const Source& source : sources_) {
      const absl::Status status = source.has_hashes ? CheckAgainst(source, begin, end) : absl::OkStatus();
      if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
        lost = status;
      } else if (!status.ok()) {
        return status;
      } else {
        is_told = true;
      }
    }
    return is_told ? absl::OkStatus() : lost;
  }

  // A difference means a change if there is one source; with several it may also be another file. The part is read back
  // from the file, not kept from the transfer: so it also shows what was written wrongly.
  absl::Status CheckAgainst(const Source& source, int64_t begin, int64_t end) {
    absl::StatusOr<FileClient> client = FileClient::Connect(source.at, options_.connection);
    if (!client.ok()) return client.status();
    const absl::StatusOr<bool> is_same = HasSameBytes(
        *client, name_, begin, end, [this](int64_t offset, size_t count) { return download_.ReadAt(offset, count); });
    if (!is_same.ok()) return is_same.status();
    if (*is_same) return absl::OkStatus();
    return sources_.size() == 1 ? Changed(source) : Differs(source);
  }

  static absl::Status Changed(const Source& source) {
    return absl::AbortedError(absl::StrCat("the file has changed meanwhile at ", source.at.ToString()));
  }

  static absl::Status Differs(const Source& source) {
    return absl::AbortedError(absl::StrCat("the sources differ, and parts of both would make neither: ",
                                           source.at.ToString(), " has another content, or has changed meanwhile"));
  }

  // For sources that do not know hashes: a file that was changed during the transfer has another size or date now. The
  // gap: a change that keeps the size within the same second is not seen. A source that is gone cannot answer.
  absl::Status CheckDates() const {
    for (const Source& source : sources_) {
      if (source.has_hashes) continue;
      const absl::StatusOr<Source> now = Ask(source.at);
      if (!now.ok() && !RefusalCode(now.status()).has_value()) continue;
      if (!now.ok() || now->file.size != total_ || now->file.mtime != source.file.mtime) return Changed(source);
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
};

}  // namespace

absl::StatusOr<int64_t> FetchInParts(const PartsOptions& options, const std::string& name, Download& download,
                                     const FileClient::Progress& progress) {
  return PartsTransfer(options, name, download, progress).Fetch();
}

}  // namespace polyserve
