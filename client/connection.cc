#include "client/connection.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/sys_error.h"
#include "net/deadline.h"
#include "net/socket.h"

namespace polyserve {

namespace {

// "...: Connection refused" with a small letter: strerror(3) has a capital, the client's own texts do not.
std::string Plain(absl::string_view message) {
  std::string text(message);
  const size_t reason = text.rfind(": ");
  if (reason != std::string::npos && reason + 2 < text.size()) text[reason + 2] = absl::ascii_tolower(text[reason + 2]);
  return text;
}

// Whatever the kernel calls it (EPIPE, ECONNRESET, ETIMEDOUT, EHOSTUNREACH), for the caller it is one thing. Call it
// first, since it reads errno.
absl::Status Lost() { return absl::UnavailableError(Plain(SysError("the connection is lost").message())); }

// Possible right after poll(2) has reported the socket ready: the report may be false, for example if a checksum turns
// out to be wrong (select(2), BUGS). A blocking call would then hang, beyond every time-out.
bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Connection::Connection(UniqueFd socket, const ConnectionOptions& options)
    : socket_(std::move(socket)), options_(options), buffer_(std::make_unique<char[]>(kBufferBytes)) {}

// The end of TLS is sent by the socket, so it comes first.
Connection& Connection::operator=(Connection&& other) noexcept {
  Close();
  socket_ = std::move(other.socket_);
  tls_ = std::move(other.tls_);
  options_ = std::move(other.options_);
  buffer_ = std::move(other.buffer_);
  begin_ = other.begin_;
  end_ = other.end_;
  return *this;
}

// Any reason counts as Unavailable, even a shortage of descriptors here: there is no connection.
absl::StatusOr<Connection> Connection::Open(const ServerAddress& to, const ConnectionOptions& options) {
  absl::StatusOr<UniqueFd> socket = ConnectTcp(to.at, options.connect_timeout);
  if (!socket.ok()) return absl::UnavailableError(absl::StrCat("cannot ", Plain(socket.status().message())));
  absl::StatusOr<Connection> connection = TakeOver(*std::move(socket), options);
  if (!connection.ok() || options.tls == nullptr) return connection;
  if (absl::Status status = connection->OpenTls(to.host); !status.ok()) return status;
  return connection;
}

absl::StatusOr<Connection> Connection::TakeOver(UniqueFd socket, const ConnectionOptions& options) {
  // send(2) has MSG_NOSIGNAL, sendfile(2) has nothing of the kind: without this, a peer that closes would end the
  // program.
  ::signal(SIGPIPE, SIG_IGN);
  if (absl::Status status = SetNonBlocking(socket.get(), true); !status.ok()) return status;
  return Connection(std::move(socket), options);
}

// The bound is checked before the end of the line is known, so a peer that never sends one costs max_bytes, not the
// time-out. Bytes that were searched are not searched again.
absl::StatusOr<absl::string_view> Connection::ReadLine(size_t max_bytes) {
  size_t searched = 0;
  while (true) {
    const absl::string_view bytes = buffered();
    const size_t end = bytes.find('\n', searched);
    if (std::min(end, bytes.size()) > max_bytes) {
      return absl::DataLossError(absl::StrCat("the peer sent a line of more than ", max_bytes, " bytes"));
    }
    if (end != absl::string_view::npos) {
      begin_ += end + 1;
      return bytes.substr(0, end);
    }
    searched = bytes.size();
    const absl::StatusOr<size_t> count = Fill();
    if (!count.ok()) return count.status();
    if (*count == 0) return absl::UnavailableError("the connection was closed by the server");
  }
}

// What an earlier read has brought comes first: the beginning of a file arrives with the line that announces it.
absl::StatusOr<absl::string_view> Connection::ReadSome(int64_t max_bytes) {
  if (buffered().empty()) {
    const absl::StatusOr<size_t> count = Fill();
    if (!count.ok()) return count.status();
  }
  const absl::string_view bytes = buffered();
  const size_t count = static_cast<size_t>(std::min<int64_t>(max_bytes, static_cast<int64_t>(bytes.size())));
  begin_ += count;
  return bytes.substr(0, count);
}

// Waits before it sends, so that a cancelled connection sends nothing more. POLLERR and POLLHUP end the wait as well,
// and send(2) then says what is wrong.
absl::Status Connection::Write(absl::string_view bytes) {
  if (tls_ != nullptr) return WriteByTls(bytes);
  while (!bytes.empty()) {
    if (absl::Status status = Wait(POLLOUT).status(); !status.ok()) return status;
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && WouldBlock()) continue;
    if (sent < 0) return Lost();
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Connection::SendFile(int file, int64_t offset, int64_t max_bytes) {
  // Each check for "the peer has said something" matters: a server that refuses a file may stop reading, and then only
  // its refusal ends the transfer. POLLIN wins over POLLOUT for that reason.
  if (!buffered().empty()) return 0;
  if (tls_ != nullptr) return SendFileByTls(file, offset, max_bytes);
  // A piece at a time, although sendfile(2) would take gigabytes: between two pieces the caller shows progress, and
  // this function looks for an answer and for a cancellation.
  const size_t count = static_cast<size_t>(std::min<int64_t>(max_bytes, kBufferBytes));
  while (true) {
    const absl::StatusOr<short> ready = Wait(POLLIN | POLLOUT);
    if (!ready.ok()) return ready.status();
    // Without POLLOUT, the wait was ended by POLLERR or POLLHUP: the caller's read finds out why.
    if ((*ready & POLLOUT) == 0 || (*ready & POLLIN) != 0) return 0;
    // A position of our own, so that sendfile(2) leaves the descriptor's alone: the file may be the caller's.
    off_t position = offset;
    const ssize_t sent = ::sendfile(socket_.get(), file, &position, count);
    if (sent > 0) return sent;
    if (sent == 0) return absl::AbortedError("the file became shorter while it was sent");
    // The peer has closed. What it said before may still be in the receive buffer: the caller reads it, and finds out.
    if (errno == EPIPE || errno == ECONNRESET) return 0;
    if (!WouldBlock()) return SysError("cannot send the file");
  }
}

// POLLRDHUP reports the peer's half-close; POLLERR and POLLHUP are always reported.
bool Connection::is_quiet() const {
  if (!is_open() || !buffered().empty()) return false;
  if (tls_ != nullptr) return tls_->Peek() == TlsSocket::Result::kWaits;
  pollfd state = {socket_.get(), POLLIN | POLLRDHUP, 0};
  return ::poll(&state, 1, 0) == 0;
}

absl::Status Connection::CheckOpen() const {
  if (!is_open()) return absl::UnavailableError("the connection is closed");
  return absl::OkStatus();
}

// A signal that is not meant to cancel (EINTR) does not restart the time-out: the deadline is fixed at the start.
// Cancelling wins over readiness; otherwise a fast server could keep a transfer alive that the user has given up.
absl::StatusOr<short> Connection::Wait(short events) const {
  if (absl::Status status = CheckOpen(); !status.ok()) return status;
  pollfd waits[] = {{socket_.get(), events, 0}, {options_.cancel == nullptr ? -1 : options_.cancel->get(), POLLIN, 0}};
  // It begins anew with each wait, so it limits a silence and not a transfer, however long that takes.
  const Deadline deadline(options_.idle_timeout);
  while (true) {
    const int ready = ::poll(waits, 2, deadline.PollMilliseconds());
    if (ready < 0 && errno != EINTR) return SysError("poll");
    if (ready > 0 && waits[1].revents != 0) return absl::CancelledError("cancelled");
    if (ready > 0) return waits[0].revents;
    // A wait may also end early: PollMilliseconds() is a day at most.
    if (ready == 0 && deadline.passed()) {
      return absl::DeadlineExceededError(
          absl::StrCat("the server was silent for ", absl::FormatDuration(options_.idle_timeout)));
    }
  }
}

absl::StatusOr<size_t> Connection::Fill() {
  // Makes room at the end. ReadLine() alone comes here with bytes left, and these are less than a line, so moving them
  // is cheap and there is always room: a line has less than kBufferBytes.
  if (begin_ > 0) {
    ::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (tls_ != nullptr) return ReceiveByTls();
  while (true) {
    if (absl::Status status = Wait(POLLIN).status(); !status.ok()) return status;
    const ssize_t count = ::recv(socket_.get(), buffer_.get() + end_, kBufferBytes - end_, 0);
    if (count < 0 && WouldBlock()) continue;
    if (count < 0) return Lost();
    end_ += static_cast<size_t>(count);
    return static_cast<size_t>(count);
  }
}

absl::Status Connection::AwaitTls(TlsSocket::Result result) const {
  if (result == TlsSocket::Result::kWaits) return Wait(tls_->awaits()).status();
  if (result == TlsSocket::Result::kEnd) return absl::UnavailableError("the connection was closed by the server");
  return absl::UnavailableError(tls_->failure());
}

absl::Status Connection::OpenTls(const std::string& host) {
  tls_ = std::make_unique<TlsSocket>(*options_.tls, socket_.get(), host);
  while (true) {
    const TlsSocket::Result result = tls_->Handshake();
    if (result == TlsSocket::Result::kDone) return absl::OkStatus();
    if (absl::Status status = AwaitTls(result); !status.ok()) return status;
  }
}

// As Write(): it waits before it sends, so that a cancelled connection sends nothing more.
absl::Status Connection::WriteByTls(absl::string_view bytes) {
  while (!bytes.empty()) {
    if (absl::Status status = Wait(POLLOUT).status(); !status.ok()) return status;
    size_t sent = 0;
    const TlsSocket::Result result = tls_->Write(bytes, sent);
    if (result == TlsSocket::Result::kDone) {
      bytes.remove_prefix(sent);
    } else if (absl::Status status = AwaitTls(result); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

// As SendFile(). That something has arrived tells nothing here: it may be a ticket. If the server speaks while a record
// is half sent, its answer can be read; of what is sent behind that, this piece has to be the first.
absl::StatusOr<int64_t> Connection::SendFileByTls(int file, int64_t offset, int64_t max_bytes) {
  char piece[16 * 1024];  // One record.
  const size_t wanted = static_cast<size_t>(std::min<int64_t>(max_bytes, sizeof(piece)));
  const ssize_t count = ::pread(file, piece, wanted, offset);
  if (count < 0) return SysError("cannot read the file");
  if (count == 0) return absl::AbortedError("the file became shorter while it was sent");
  while (true) {
    const absl::StatusOr<short> ready = Wait(POLLIN | POLLOUT);
    if (!ready.ok()) return ready.status();
    if ((*ready & POLLIN) != 0 && !is_quiet()) return 0;
    if ((*ready & (POLLERR | POLLHUP)) != 0) return 0;  // The caller's read finds out why.
    if ((*ready & POLLOUT) == 0) continue;
    size_t sent = 0;
    const TlsSocket::Result result = tls_->Write(absl::string_view(piece, static_cast<size_t>(count)), sent);
    if (result == TlsSocket::Result::kDone) return static_cast<int64_t>(sent);
    if (result != TlsSocket::Result::kWaits) return 0;
  }
}

// Behind the buffered bytes, as Fill(). What OpenSSL holds already is tried first; it may be a part of a record.
absl::StatusOr<size_t> Connection::ReceiveByTls() {
  for (bool waits = !tls_->has_pending(); true; waits = true) {
    if (waits) {
      if (absl::Status status = Wait(POLLIN).status(); !status.ok()) return status;
    }
    size_t count = 0;
    const TlsSocket::Result result = tls_->Read(buffer_.get() + end_, kBufferBytes - end_, count);
    if (result == TlsSocket::Result::kEnd) return size_t{0};
    if (result == TlsSocket::Result::kFailed) return absl::UnavailableError(tls_->failure());
    if (result == TlsSocket::Result::kDone) {
      end_ += count;
      return count;
    }
  }
}

}  // namespace polyserve
