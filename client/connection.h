// Connection: a client's end of a TCP connection, with TLS if that is asked for. It reads lines and bytes through one
// buffer; every wait is bounded and can be cancelled. It knows no protocol: FileClient and Chat are built on it, and so
// are the scripted servers of tests.
//
//   absl::StatusOr<Connection> connection = Connection::Open(*ServerAddress::Parse("localhost:8081"), {});
//   if (connection.ok()) connection->Write("L\n").IgnoreError();
#ifndef POLYSERVE_CLIENT_CONNECTION_H_
#define POLYSERVE_CLIENT_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/credentials.h"
#include "client/server_address.h"
#include "client/tls.h"

namespace polyserve {

struct ConnectionOptions {
  absl::Duration connect_timeout = absl::Seconds(10);
  // The longest single wait for the peer, to read or to write. A transfer may take longer if it keeps moving. Measured
  // by a monotonic clock.
  absl::Duration idle_timeout = absl::Seconds(60);
  // While this descriptor is readable, every wait ends at once with Cancelled. Must outlive the connection; null for
  // none. Not heeded while connecting.
  const UniqueFd* cancel = nullptr;
  // With a user: what FileClient::Connect() and Chat() send first. Connection itself sends nothing of it.
  Credentials credentials = {};
  // Open() opens TLS on the connection first. Must outlive the connection; null: in the clear.
  const ClientTls* tls = nullptr;
};

// Errors of all methods, after which only Close() and the destructor make sense:
//   Unavailable       the connection is closed, lost, or could not be made
//   DeadlineExceeded  nothing moved for the idle time-out
//   Cancelled         see ConnectionOptions::cancel
// Threads: one at a time; every method but is_quiet() and the accessors may block. The process ignores SIGPIPE from the
// first connection on, because sendfile(2) has no flag against it.
class Connection {
 public:
  // The size of the buffer: the most that one read or one piece of a file takes.
  static constexpr size_t kBufferBytes = 64 * 1024;

  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&& other) noexcept;
  ~Connection() = default;

  // Connects to the first of the addresses that answers. With TLS, returns Unavailable if the server's certificate is
  // not trusted, or is for another host.
  static absl::StatusOr<Connection> Open(const ServerAddress& to, const ConnectionOptions& options);
  // Takes over a connected socket, and makes it non-blocking.
  static absl::StatusOr<Connection> TakeOver(UniqueFd socket, const ConnectionOptions& options);

  // Reads up to the next "\n" and returns the line without it; valid until the next read. Returns DataLoss if the line
  // is longer than `max_bytes`, and Unavailable if the peer closes before its end.
  // REQUIRES: max_bytes < kBufferBytes.
  absl::StatusOr<absl::string_view> ReadLine(size_t max_bytes);

  // Returns what has arrived: at least one byte, at most `max_bytes` and kBufferBytes; valid until the next read. An
  // empty result is the end of the peer's data.
  absl::StatusOr<absl::string_view> ReadSome(int64_t max_bytes);

  // Sends all of it.
  absl::Status Write(absl::string_view bytes);

  // Sends a piece of a regular file, at most `max_bytes` from `offset` on, and returns its size. Returns 0, and sends
  // nothing, if the peer has sent something or closed: the next read tells which. (A client that only sends would not
  // notice a refusal; and if the peer waits until its refusal is read, both would wait for ever.) Returns Aborted if
  // the file has no byte at `offset`.
  absl::StatusOr<int64_t> SendFile(int file, int64_t offset, int64_t max_bytes);

  // True if the connection is open and nothing unread has arrived, not even the end of the peer's data. If it is false
  // between a reply and the next request, the peer has closed, or the two are out of step. Does not block.
  bool is_quiet() const;

  void Close() {
    tls_.reset();
    socket_.reset();
  }
  bool is_open() const { return socket_.ok(); }
  // The socket, borrowed: a test may want to reset it.
  int fd() const { return socket_.get(); }

 private:
  Connection(UniqueFd socket, const ConnectionOptions& options);

  absl::string_view buffered() const { return {buffer_.get() + begin_, end_ - begin_}; }
  absl::Status CheckOpen() const;
  // Waits for any of the events; returns those that occurred, with POLLERR and POLLHUP if poll(2) adds them.
  absl::StatusOr<short> Wait(short events) const;
  // Reads once, behind the buffered bytes; returns the number of bytes, 0 at the end.
  absl::StatusOr<size_t> Fill();
  // --- The same with TLS. ---
  absl::Status OpenTls(const std::string& host);
  absl::Status WriteByTls(absl::string_view bytes);
  absl::StatusOr<int64_t> SendFileByTls(int file, int64_t offset, int64_t max_bytes);
  absl::StatusOr<size_t> ReceiveByTls();
  // What to do about a result other than kDone: waits, or returns the error.
  absl::Status AwaitTls(TlsSocket::Result result) const;

  UniqueFd socket_;                 // Non-blocking, so that only Wait() blocks.
  std::unique_ptr<TlsSocket> tls_;  // Null: in the clear. Destroyed before its socket.
  ConnectionOptions options_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;  // The bytes from begin_ to end_ were received and not returned yet.
  size_t end_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_CONNECTION_H_
