#include "protocol/tftp/source.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "base/logging.h"
#include "protocol/tftp/netascii.h"

namespace polyserve {

TftpSource::TftpSource(Library::File file, bool is_netascii, size_t block_bytes)
    : file_(std::move(file)), is_netascii_(is_netascii), block_bytes_(block_bytes) {}

// One always remains: where the next block begins is known from nowhere else. So the list is as long as a window,
// however large the file is.
void TftpSource::ForgetBefore(int64_t block) {
  for (; first_ < block && begins_.size() > 1; ++first_) begins_.pop_front();
}

// A block that is read for the first time shows where the next one begins; a repeat shows what is known already.
absl::StatusOr<std::string> TftpSource::Read(int64_t block) {
  const int64_t at = block - first_;
  DCHECK(at >= 0 && at < static_cast<int64_t>(begins_.size())) << "in order, and before it is forgotten";
  Begin end;
  absl::StatusOr<std::string> bytes = ReadAt(begins_[static_cast<size_t>(at)], end);
  if (!bytes.ok()) return bytes;
  if (bytes->size() < block_bytes_) last_block_ = block;
  // Behind the last block nothing begins.
  if (at + 1 == static_cast<int64_t>(begins_.size()) && last_block_ == 0) begins_.push_back(end);
  return bytes;
}

// A border may fall between CR and LF: `skip` says how many bytes of that pair the block before has taken. If the file
// ends within this block, text stays shorter than a block, and that is the end of the transfer.
absl::StatusOr<std::string> TftpSource::ReadAt(Begin at, Begin& end) const {
  absl::StatusOr<std::string> bytes = ReadFile(at.offset, block_bytes_);
  if (!bytes.ok() || !is_netascii_) {
    end = {at.offset + static_cast<int64_t>(block_bytes_), 0};
    return bytes;
  }
  std::string text;
  end = at;
  for (const char byte : *bytes) {  // Each becomes at least one, so a block's worth of the file is enough.
    const std::string piece = ToNetascii(absl::string_view(&byte, 1)).substr(end.skip);
    const size_t taken = std::min(piece.size(), block_bytes_ - text.size());
    text.append(piece, 0, taken);
    if (taken < piece.size()) {
      end.skip += taken;
      break;
    }
    end = {end.offset + 1, 0};
    if (text.size() == block_bytes_) break;
  }
  return text;
}

// Reads no further than the size at the start: a file that grows meanwhile is sent as it was begun. One that shrinks
// cannot be, and a short block would pass for the end of the file. pread(2) is not interrupted by signals on a regular
// file (signal(7)), and leaves the position of the open file alone.
absl::StatusOr<std::string> TftpSource::ReadFile(int64_t offset, size_t count) const {
  std::string bytes(static_cast<size_t>(std::clamp<int64_t>(file_.size - offset, 0, static_cast<int64_t>(count))),
                    '\0');
  const ssize_t read = ::pread(file_.fd->get(), bytes.data(), bytes.size(), offset);
  if (read != static_cast<ssize_t>(bytes.size())) return absl::DataLossError("the file has changed while it was sent");
  return bytes;
}

}  // namespace polyserve
