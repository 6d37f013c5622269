// FileClient: asks a server for its files, in the words of the file service (protocol/file.h). Blocking, one request at
// a time; files are streamed, so memory does not grow with them.
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
#include "client/reply.h"
#include "net/endpoint.h"

namespace polyserve {

// Errors of all methods:
//   a refusal         the server said no; RefusalCode() (client/reply.h) has its code, message() its words
//   Unavailable       the connection is lost, or ended in the middle of an answer
//   DeadlineExceeded  nothing moved for the idle time-out
//   DataLoss          the server's answer makes no sense
//   Cancelled         ConnectionOptions::cancel became readable
//   InvalidArgument   the name cannot be sent: empty, too long, or with control characters; nothing was sent
//   others            this side's own trouble: a sink that failed, a file that cannot be read
// A refusal or InvalidArgument leaves the connection as it was, save where Put() says otherwise; all others close it,
// since the two ends are out of step. Threads: one at a time.
class FileClient {
 public:
  // Takes the next bytes of a file; they are valid during the call only. An error ends the transfer.
  using Sink = std::function<absl::Status(absl::string_view bytes)>;
  // Takes the next file of a listing. An error ends the listing.
  using FileSink = std::function<absl::Status(const FileInfo& file)>;
  // Told how many bytes of how many have been moved: at the beginning, and after each piece of up to 64 KiB.
  using Progress = std::function<void(int64_t done, int64_t total)>;

  // No honest reply is longer: a name has at most 4095 bytes, an error a sentence.
  static constexpr size_t kMaxLineBytes = 8 * 1024;
  static constexpr size_t kMaxNameBytes = 4095;

  static absl::StatusOr<FileClient> Connect(const Endpoints& server, const ConnectionOptions& options);
  explicit FileClient(Connection connection);

  // The files of the root, as the server sorts them, each as it comes: memory does not grow with the listing. If it
  // fails the sink may have been given a part.
  absl::Status List(const FileSink& sink);
  absl::StatusOr<FileInfo> Stat(absl::string_view name);

  struct Hash {
    int64_t length;  // How many bytes it covers.
    int64_t value;
  };
  // The server's hash of the bytes from `offset` on: of at most `length`, of as many as it likes, of none behind the
  // file's end. HashOf() (base/content_hash.h) of the same bytes gives the same value. InvalidArgument, as a refusal:
  // the server knows no hashes.
  absl::StatusOr<Hash> HashRange(absl::string_view name, int64_t offset, int64_t length);
  // Makes a directory, and those above it. It may be there already.
  absl::Status MakeDirectory(absl::string_view name);

  // Fetches a file, and returns its size. If it fails the sink may have been given a part.
  absl::StatusOr<int64_t> Get(absl::string_view name, const Sink& sink, const Progress& progress = nullptr);
  // Fetches `length` bytes from `offset` on, both not negative; what lies behind the file's end is left out. Returns
  // the number of bytes.
  absl::StatusOr<int64_t> GetRange(absl::string_view name, int64_t offset, int64_t length, const Sink& sink,
                                   const Progress& progress = nullptr);

  // Stores a file under a name. It must be a regular one, and not change its size meanwhile: else Aborted, and the
  // server keeps what it had. A refusal is noticed while the file is still being sent; if it has more than 1 MiB
  // the connection is closed then, as the server does not read on (see FileSession::kMaxDiscardBytes).
  absl::Status Put(const std::string& path, absl::string_view name, const Progress& progress = nullptr);
  // The same with an open file; its position is neither used nor changed.
  absl::Status Put(int file, absl::string_view name, const Progress& progress = nullptr);

  // Takes leave and closes. Does not wait for the server to do the same.
  absl::Status Quit();

  // False if the connection is closed, or the server has ended it since the last reply (or said what was not asked
  // for). Does not wait.
  bool connected() const { return connection_.is_quiet(); }

 private:
  // Closes the connection if the status tells that the two ends are out of step; returns the status.
  absl::Status Settle(absl::Status status);
  // Sends a request line and reads the reply's numbers.
  absl::StatusOr<std::vector<int64_t>> Ask(absl::string_view request, size_t count);
  absl::StatusOr<std::vector<int64_t>> ReadReply(size_t count);
  absl::Status ReadList(int64_t size, const FileSink& sink);
  absl::StatusOr<int64_t> Fetch(absl::string_view request, int64_t max_bytes, const Sink& sink,
                                const Progress& progress);
  absl::Status ReadBody(int64_t size, const Sink& sink, const Progress& progress);
  absl::Status SendAndConfirm(int file, int64_t size, absl::string_view request, const Progress& progress);
  // Sends the file from `offset` to `size`; returns how far it came, less than `size` if the server has spoken.
  absl::StatusOr<int64_t> SendBody(int file, int64_t offset, int64_t size, const Progress& progress);
  // The server has spoken before it had the whole file.
  absl::Status HearRefusal(int file, int64_t offset, int64_t size);

  Connection connection_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_FILE_CLIENT_H_
