// Replies of the file service (protocol/file.h), as a client understands them. Whatever a server sends is handled: it
// is a reply, a refusal, or nonsense. No I/O here.
#ifndef POLYSERVE_CLIENT_REPLY_H_
#define POLYSERVE_CLIENT_REPLY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// One file of the server's.
struct FileInfo {
  std::string name;
  int64_t size;   // In bytes, not negative.
  int64_t mtime;  // Last change, in seconds since 1970.
};

// Reads "OK" and exactly `count` numbers behind it, each after one space, of which the first is a size or a count and
// hence not negative. The line is without its end.
//   A refusal: for "ERR <code> <text>" a status whose message is the text (the server's, so it may hold anything but a
//              line end) and whose RefusalCode() is the code.
//   DataLoss:  anything else.
absl::StatusOr<std::vector<int64_t>> ParseReply(absl::string_view line, size_t count);

// Reads one line of a listing: "<name>\t<size>\t<mtime>". DataLoss: anything else.
absl::StatusOr<FileInfo> ParseListLine(absl::string_view line);

// The code of the server's "ERR" (400 to 599), where the status comes from one: the server has understood, and the
// connection itself is well. Nothing for all other statuses.
std::optional<int> RefusalCode(const absl::Status& status);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_REPLY_H_
