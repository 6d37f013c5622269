// HasSameBytes: compares bytes here with those of a file on the server, without fetching them: by hashes.
#ifndef POLYSERVE_CLIENT_SAME_BYTES_H_
#define POLYSERVE_CLIENT_SAME_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/file_client.h"

namespace polyserve {

// Returns the bytes that there are here: exactly `count` of them, from `offset` on.
using ReadHere = std::function<absl::StatusOr<std::string>(int64_t offset, size_t count)>;

// True if the file on the server has the same bytes from `begin` to `end` as `read` returns; false also if it is gone,
// or too short. Asks for hashes of at most a MiB each, and reads as much at a time. Blocks. Errors are those of
// FileClient::HashRange(), InvalidArgument if the server does not know hashes, and those of `read`.
absl::StatusOr<bool> HasSameBytes(FileClient& client, absl::string_view name, int64_t begin, int64_t end,
                                  const ReadHere& read);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_SAME_BYTES_H_
