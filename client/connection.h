// Connection: a client's end of a TCP connection. It reads lines and bytes through one buffer, and every wait is
// bounded and can be cancelled. It knows no protocol; FileClient is built on it, and so are fake servers in tests.
#ifndef POLYSERVE_CLIENT_CONNECTION_H_
#define POLYSERVE_CLIENT_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "net/endpoint.h"

namespace polyserve {

struct ConnectionOptions {
  absl::Duration connect_timeout = absl::Seconds(10);
  // The longest single wait for the peer, whatever it is for: a transfer may take longer as long as it moves. Setting
  // the system's clock changes no wait.
  absl::Duration idle_timeout = absl::Seconds(60);
  // While this descriptor is readable every wait ends with Cancelled. Must outlive the connection; null for none.
  const UniqueFd* cancel = nullptr;
};

// Errors of all methods, after which only Close() and destruction make sense:
//   Unavailable       the connection is closed, lost, or could not be made
//   DeadlineExceeded  nothing moved for the idle time-out
//   Cancelled         see ConnectionOptions::cancel
// Threads: one at a time. The process ignores SIGPIPE from the first connection on: sendfile has no flag against it.
class Connection {
 public:
  // The most that one read or one piece of a file takes; also the size of the one buffer.
  static constexpr size_t kBufferBytes = 64 * 1024;

  // To the first of the addresses that answers.
  static absl::StatusOr<Connection> Open(const Endpoints& to, const ConnectionOptions& options);
  // From a socket that is connected already.
  static absl::StatusOr<Connection> TakeOver(UniqueFd socket, const ConnectionOptions& options);

  // Reads up to the next "\n" and returns the line without it; valid until the next read. `max_bytes` is at most
  // kBufferBytes - 1. DataLoss: the line is longer.
  absl::StatusOr<absl::string_view> ReadLine(size_t max_bytes);

  // Returns what has come, at least one byte, at most `max_bytes` and kBufferBytes; valid until the next read. Empty
  // only if the peer sends no more.
  absl::StatusOr<absl::string_view> ReadSome(int64_t max_bytes);

  // Sends all of it.
  absl::Status Write(absl::string_view bytes);

  // Sends a piece of a regular file, at most `max_bytes` from `offset` on, and returns its size. Returns 0 without
  // having sent anything if the peer has spoken first, or closed: the next read tells what. (Whoever only sends
  // would not hear that it sends in vain; and if the peer waits for its words to be read, both would wait for ever.)
  // Aborted: the file has no byte at `offset`.
  absl::StatusOr<int64_t> SendFile(int file, int64_t offset, int64_t max_bytes);

  // True while it is open and nothing has come that was not read, the end of the peer's sending included: between a
  // reply and the next request that would mean that the peer has closed, or is out of step. Does not wait.
  bool is_quiet() const;

  void Close() { socket_.reset(); }
  bool is_open() const { return socket_.ok(); }
  // The socket, to look at (a test wants to reset it, say).
  int fd() const { return socket_.get(); }

 private:
  Connection(UniqueFd socket, const ConnectionOptions& options);

  absl::string_view buffered() const { return {buffer_.get() + begin_, end_ - begin_}; }
  absl::Status CheckOpen() const;
  // Waits for any of the events; returns those that have come, with POLLERR and POLLHUP where poll(2) adds them.
  absl::StatusOr<short> Wait(short events) const;
  // Reads once, behind what is buffered; returns the number of bytes, 0 at the end.
  absl::StatusOr<size_t> Fill();

  UniqueFd socket_;  // Non-blocking, so that no call waits but Wait().
  ConnectionOptions options_;
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0;  // The bytes from begin_ to end_ have been read and not been taken.
  size_t end_ = 0;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_CONNECTION_H_
