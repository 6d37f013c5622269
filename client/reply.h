// Parses replies of the file service (protocol/file.h). Any bytes that a server sends are handled: they are a reply, a
// refusal, or malformed. No I/O here.
//
//   OK 5 784111777      {5, 784111777}
//   ERR 404 not found   a status with RefusalCode() 404 and the message "not found"
//   hello               DataLoss
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

// A file on the server.
struct FileInfo {
  std::string name;
  int64_t size;   // In bytes, not negative.
  int64_t mtime;  // Last change, in seconds since 1970.
};

// Parses "OK" and exactly `count` numbers after it, each after one space. The first one is a size or a count, and
// therefore not negative. `line` has no line end.
//   A refusal  for "ERR <code> <text>": a status whose message is the text (written by the server, so it may hold
//              anything but a line end) and whose RefusalCode() is the code.
//   DataLoss   for anything else.
absl::StatusOr<std::vector<int64_t>> ParseReply(absl::string_view line, size_t count);

// Parses a line of a listing, "<name>\t<size>\t<mtime>". Returns DataLoss for anything else.
absl::StatusOr<FileInfo> ParseListLine(absl::string_view line);

// The code of the server's "ERR" (400 to 599) if the status comes from one: the request was understood, and the
// connection is in order. Nothing for all other statuses.
std::optional<int> RefusalCode(const absl::Status& status);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_REPLY_H_
