// FileClient: a client of the file service (protocol/file.h). Blocking, one request at a time. Files are streamed, so
// memory does not grow with their size.
//
//   absl::StatusOr<FileClient> client = FileClient::Connect(endpoint, {});
//   if (client.ok()) client->Get("a.txt", [&out](absl::string_view bytes) { return out.Append(bytes); });
#ifndef POLYSERVE_CLIENT_FILE_CLIENT_H_
#define POLYSERVE_CLIENT_FILE_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/connection.h"
#include "client/credentials.h"
#include "client/reply.h"
#include "client/server_address.h"

namespace polyserve {

// Errors of all methods:
//   a refusal         the server refuses; RefusalCode() (client/reply.h) has its code, message() its text
//   Unavailable       the connection is lost, or ended in the middle of an answer
//   DeadlineExceeded  nothing moved for the idle time-out
//   DataLoss          the server's answer is malformed
//   Cancelled         ConnectionOptions::cancel became readable
//   InvalidArgument   the name cannot be sent: empty, too long, or with control characters; nothing was sent
//   others            an error of this side: a sink that failed, a file that cannot be read
// A refusal or InvalidArgument leaves the connection usable, except as Put() says; all others close it, because the two
// ends are out of step. Threads: one at a time; every method but connected() may block.
class FileClient {
 public:
  // Receives the next bytes of a file; they are valid during the call only. An error ends the transfer.
  using Sink = std::function<absl::Status(absl::string_view bytes)>;
  // Receives the next file of a listing. An error ends the listing.
  using FileSink = std::function<absl::Status(const FileInfo& file)>;
  // Receives the number of bytes moved, and of all bytes: at the beginning, and after each piece of up to 64 KiB.
  using Progress = std::function<void(int64_t done, int64_t total)>;

  // Longer than any honest reply: a name has at most 4095 bytes, an error is a sentence.
  static constexpr size_t kMaxLineBytes = 8 * 1024;
  static constexpr size_t kMaxNameBytes = 4095;  // PATH_MAX, less its terminating zero.

  // Logs in if the options have credentials; a refusal then is that of the user or the password (401), of too many
  // wrong ones (429), or of a server that has no passwords (405).
  static absl::StatusOr<FileClient> Connect(const ServerAddress& server, const ConnectionOptions& options);
  // Takes over an open connection on which no request is pending.
  explicit FileClient(Connection connection);

  // Lists the files of the root in the server's order, and passes each as it arrives. If it fails, the sink may have
  // received a part.
  absl::Status List(const FileSink& sink);
  absl::StatusOr<FileInfo> Stat(absl::string_view name);

  struct Hash {
    int64_t length;  // The number of bytes it covers.
    int64_t value;
  };
  // The server's hash of the bytes from `offset` on: of at most `length`, of fewer if the server chooses so, of none
  // behind the end of the file. ContentHash (base/content_hash.h) of the same bytes has the same value. A server that
  // does not know hashes refuses with InvalidArgument.
  absl::StatusOr<Hash> HashRange(absl::string_view name, int64_t offset, int64_t length);
  // Makes a directory, unless it exists. Its parent must exist.
  absl::Status MakeDirectory(absl::string_view name);

  // Fetches a file, and returns its size. If it fails, the sink may have received a part.
  absl::StatusOr<int64_t> Get(absl::string_view name, const Sink& sink, const Progress& progress = nullptr);
  // Fetches `length` bytes from `offset` on, cut off at the end of the file. Returns the number of bytes.
  // REQUIRES: offset >= 0, length >= 0.
  absl::StatusOr<int64_t> GetRange(absl::string_view name, int64_t offset, int64_t length, const Sink& sink,
                                   const Progress& progress = nullptr);

  // Stores a regular file under a name. If its size changes meanwhile, the result is Aborted, and the server keeps the
  // old file. A refusal is noticed while the file is still being sent; if more than 1 MiB of it is left, the connection
  // is closed, because the server does not read on (FileSession::kMaxDiscardBytes).
  absl::Status Put(const std::string& path, absl::string_view name, const Progress& progress = nullptr);
  // The same with an open file, which stays the caller's; its position is neither used nor changed.
  absl::Status Put(int file, absl::string_view name, const Progress& progress = nullptr);

  // Sends the command to quit, and closes. Does not wait for the server's end.
  absl::Status Quit();

  // False if the connection is closed, or the server has closed it or sent anything since the last reply. Does not
  // block.
  bool connected() const { return connection_.is_quiet(); }

 private:
  // Closes the connection if the status means that the two ends are out of step; returns the status.
  absl::Status Settle(absl::Status status);
  absl::Status LogIn(const Credentials& credentials);
  // Sends a request line and reads the reply's numbers.
  absl::StatusOr<std::vector<int64_t>> Ask(absl::string_view request, size_t count);
  absl::StatusOr<std::vector<int64_t>> ReadReply(size_t count);
  absl::Status ReadList(int64_t size, const FileSink& sink);
  absl::StatusOr<int64_t> Fetch(absl::string_view request, int64_t max_bytes, const Sink& sink,
                                const Progress& progress);
  absl::Status ReadBody(int64_t size, const Sink& sink, const Progress& progress);
  absl::Status SendAndConfirm(int file, int64_t size, absl::string_view request, const Progress& progress);
  // Sends the file from `offset` to `size`; returns the offset reached, less than `size` if the server has answered.
  absl::StatusOr<int64_t> SendBody(int file, int64_t offset, int64_t size, const Progress& progress);
  // Reads the answer that the server has sent before it had the whole file.
  absl::Status HearRefusal(int file, int64_t offset, int64_t size);

  Connection connection_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_FILE_CLIENT_H_
