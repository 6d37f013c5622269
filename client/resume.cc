#include "client/resume.h"

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/reply.h"
#include "client/same_bytes.h"

namespace polyserve {

namespace {

// Whether the first `end` bytes of the download are those of the file; by the dates if the server knows no hashes.
absl::StatusOr<bool> IsBeginning(FileClient& client, const FileInfo& file, const Download& download, int64_t end,
                                 bool has_same_date) {
  const absl::StatusOr<bool> is_same = HasSameBytes(
      client, file.name, 0, end, [&download](int64_t offset, size_t count) { return download.ReadAt(offset, count); });
  // Hash requests are newer than the protocol: an older server takes one for a malformed command.
  if (absl::IsInvalidArgument(is_same.status()) && RefusalCode(is_same.status()).has_value()) return has_same_date;
  return is_same;
}

// How many of the bytes that are here can stay; removes them if none can.
absl::StatusOr<int64_t> KeepBeginning(FileClient& client, const FileInfo& file, Download& download) {
  const absl::StatusOr<int64_t> size = download.size();
  const absl::StatusOr<int64_t> date = download.date();
  if (!size.ok()) return size.status();
  if (!date.ok()) return date.status();
  if (*size <= file.size) {
    const absl::StatusOr<bool> can_stay = IsBeginning(client, file, download, *size, *date == file.mtime);
    if (!can_stay.ok()) return can_stay.status();
    if (*can_stay) return *size;
  }
  if (absl::Status status = download.Clear(); !status.ok()) return status;
  return 0;
}

absl::Status Fetch(FileClient& client, const FileInfo& file, int64_t begin, Download& download,
                   const FileClient::Progress& progress) {
  int64_t end = begin;
  const auto sink = [&download, &end](absl::string_view bytes) {
    absl::Status status = download.WriteAt(end, bytes);
    end += static_cast<int64_t>(bytes.size());
    return status;
  };
  const auto show = [&progress, &file, begin](int64_t done, int64_t) {
    if (progress) progress(begin + done, file.size);
  };
  const absl::StatusOr<int64_t> fetched = client.GetRange(file.name, begin, file.size - begin, sink, show);
  if (!fetched.ok()) return fetched.status();
  return end == file.size ? absl::OkStatus() : absl::AbortedError("the file has become shorter meanwhile");
}

// The hashes of the whole come last, since only then can a change during the transfer show. They do not see that the
// file has grown; its size does.
absl::Status CheckWhole(FileClient& client, const FileInfo& before, const Download& download) {
  const absl::StatusOr<FileInfo> now = client.Stat(before.name);
  if (!now.ok()) return now.status();
  const bool has_same_date = now->mtime == before.mtime;
  const absl::StatusOr<bool> is_same = IsBeginning(client, before, download, before.size, has_same_date);
  if (!is_same.ok()) return is_same.status();
  return *is_same && now->size == before.size ? absl::OkStatus() : absl::AbortedError("the file has changed meanwhile");
}

}  // namespace

absl::StatusOr<FetchedRest> FetchRest(FileClient& client, const std::string& name, Download& download,
                                      const FileClient::Progress& progress) {
  const absl::StatusOr<FileInfo> file = client.Stat(name);
  if (!file.ok()) return file.status();
  const absl::StatusOr<int64_t> kept = KeepBeginning(client, *file, download);
  if (!kept.ok()) return kept.status();
  download.SetDate(file->mtime);
  absl::Status status = Fetch(client, *file, *kept, download, progress);
  if (status.ok()) status = CheckWhole(client, *file, download);
  if (!status.ok()) return status;
  return FetchedRest{file->size, *kept};
}

}  // namespace polyserve
