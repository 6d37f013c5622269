#include "client/same_bytes.h"

#include <algorithm>

#include "absl/status/status.h"
#include "base/content_hash.h"

namespace polyserve {

namespace {

// The most that is read into memory to be compared. Servers hash no more at a time (FileSession::kMaxHashedBytes).
constexpr int64_t kHashedBytes = 1024 * 1024;

}  // namespace

// Piece by piece; the server decides how long a piece is. NotFound, or no bytes where there should be some: the file
// was removed or cut off.
absl::StatusOr<bool> HasSameBytes(FileClient& client, absl::string_view name, int64_t begin, int64_t end,
                                  const ReadHere& read) {
  while (begin < end) {
    const absl::StatusOr<FileClient::Hash> hash = client.HashRange(name, begin, std::min(end - begin, kHashedBytes));
    if (absl::IsNotFound(hash.status()) || (hash.ok() && hash->length == 0)) return false;
    if (!hash.ok()) return hash.status();
    const absl::StatusOr<std::string> bytes = read(begin, static_cast<size_t>(hash->length));
    if (!bytes.ok()) return bytes.status();
    ContentHash own;
    own.Add(*bytes);
    if (own.Value() != hash->value) return false;
    begin += hash->length;
  }
  return true;
}

}  // namespace polyserve
