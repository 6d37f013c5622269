// The kernel's sockets: those of clients, and those that the server connects to other servers.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/ring.h"

namespace polyserve::simulation {

namespace {

constexpr int kFirstPort = 1024;
// Of a connection that the server has made.
constexpr size_t kReceiveBuffer = 5'000;
constexpr size_t kSendBuffer = 4'000;

}  // namespace

int Kernel::Accept(int fd, bool non_blocking) {
  Enter();
  Find(fd);
  if (!is_listening_) return static_cast<int>(Result("accept", fd, 0, -1, EINVAL));
  if (queue_.empty()) return static_cast<int>(Result("accept", fd, 0, -1, EAGAIN));
  std::shared_ptr<Stream> stream = queue_.front();
  queue_.erase(queue_.begin());
  // Inherited from the listener, as net/socket.h sets it.
  stream->read_timeout = limits_.idle_timeout;
  stream->write_timeout = std::min(limits_.idle_timeout, limits_.send_wait);
  stream->is_nonblocking = non_blocking;
  stream->fd = Open({.kind = File::Kind::kStream, .waits = !non_blocking, .stream = stream});
  stream->judge.OnAccept(now_, delayed_);
  accepted_.push_back(stream);
  NoteEvent();
  return static_cast<int>(Result("accept", fd, stream->number, stream->fd));
}

// --- The server connects. ---

int Kernel::AddServer(DialedPeer& server) {
  servers_.push_back(&server);
  return kFirstPort + static_cast<int>(servers_.size()) - 1;
}

int Kernel::Socket(bool non_blocking) {
  Enter();
  if (random_.OneIn(40)) {
    ++refused_sockets_;
    return static_cast<int>(Result("socket", -1, 0, -1, EMFILE));
  }
  auto stream = std::make_shared<Stream>(0, kReceiveBuffer, kSendBuffer, limits_);
  stream->dialing = Stream::Dialing::kNot;
  stream->is_nonblocking = non_blocking;
  stream->fd = Open({.kind = File::Kind::kStream, .stream = stream});
  return static_cast<int>(Result("socket", -1, 0, stream->fd));
}

// connect(2) of a socket that does not block, or, by an operation of a ring, of any. If it is called again it says
// EALREADY, then once what has become of the connection, and then EISCONN.
int Kernel::ConnectTo(int fd, int port) {
  Enter();
  const std::shared_ptr<Stream> stream = Find(fd).stream;
  if (stream == nullptr) Fail("connect(2) of what is no socket");
  int error = 0;
  if (stream->dialing == Stream::Dialing::kNot) {
    const auto number = static_cast<size_t>(port - kFirstPort);
    if (number >= servers_.size()) Fail(absl::StrCat("connect(2) to port ", port, ", where no server is"));
    stream->peer = servers_[number];
    stream->dialing = Stream::Dialing::kUnderWay;
    error = servers_[number]->OnConnect(stream);
    if (error != EINPROGRESS) stream->dialing = error == 0 ? Stream::Dialing::kConnected : Stream::Dialing::kFailed;
    stream->knows_outcome = error != EINPROGRESS;
  } else if (stream->dialing == Stream::Dialing::kUnderWay) {
    error = EALREADY;
  } else if (stream->dialing == Stream::Dialing::kConnected) {
    error = std::exchange(stream->knows_outcome, true) ? EISCONN : 0;
  } else {
    error = std::exchange(stream->dial_error, 0);
    if (error == 0) Fail(absl::StrCat("descriptor ", fd, " connects once more after it has failed to"));
  }
  return static_cast<int>(Result("connect", fd, port, error == 0 ? 0 : -1, error));
}

void Kernel::FinishConnecting(Stream& stream, int error) {
  if (stream.is_closed) return;
  trace_.Add(now_, error == 0 ? "(connected)" : "(refused)", stream.fd, 0, error);
  NoteEvent();
  stream.dialing = error == 0 ? Stream::Dialing::kConnected : Stream::Dialing::kFailed;
  stream.dial_error = error;
  Notify(stream, error == 0 ? POLLOUT : POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP);
}

// --- What is received and sent. ---

// What has arrived comes first, even before a reset. Null data: there is nothing yet.
ssize_t Kernel::TakeArrived(int fd, Stream& stream, char* buffer, size_t size) {
  if (stream.arrived_bytes() > 0) {
    const std::string bytes = stream.TakeArrived(size);
    std::copy(bytes.begin(), bytes.end(), buffer);
    stream.judge.OnMove(now_, delayed_);
    return Result("recv", fd, static_cast<int64_t>(size), static_cast<ssize_t>(bytes.size()));
  }
  stream.end_was_read = true;
  if (std::exchange(stream.has_error, false)) return Result("recv", fd, static_cast<int64_t>(size), -1, ECONNRESET);
  return Result("recv", fd, static_cast<int64_t>(size), 0);
}

ssize_t Kernel::Receive(int fd, char* buffer, size_t size, bool waits) {
  Enter();
  const std::shared_ptr<Stream> stream = Find(fd).stream;
  if (stream == nullptr || !stream->is_connected()) Fail("recv(2) on what is no connection");
  const auto is_readable = [&] {
    return stream->arrived_bytes() > 0 || stream->end_has_arrived || stream->is_reset || stream->has_error;
  };
  const Time time = waits && !stream->is_nonblocking ? stream->read_timeout : 0;
  const Wake wake = Wait(is_readable, time);
  if (wake == Wake::kReady) return TakeArrived(fd, *stream, buffer, size);
  return Result("recv", fd, static_cast<int64_t>(size), -1, wake == Wake::kInterrupted ? EINTR : EAGAIN);
}

// A blocking send takes all, or what it could until the time-out or a signal; a non-blocking one comes short only if
// the socket is full.
ssize_t Kernel::Send(int fd, size_t size, absl::FunctionRef<std::string(size_t most)> gather, bool waits) {
  Enter();
  const std::shared_ptr<Stream> stream = Find(fd).stream;
  if (stream == nullptr || !stream->is_connected()) Fail("send(2) on what is no connection");
  if (stream->is_shut_down) Fail(absl::StrCat("descriptor ", fd, " sends behind its shutdown(2)"));
  const bool is_blocking = waits && !stream->is_nonblocking;
  const std::string bytes = gather(is_blocking ? size : std::min(size, stream->room()));
  const Time begin = now_;
  size_t sent = 0;
  int error = EAGAIN;
  while (sent < size) {
    if (stream->is_reset) {
      error = std::exchange(stream->has_error, false) ? ECONNRESET : EPIPE;
      stream->end_was_read = true;
      break;
    }
    const size_t count = std::min(stream->room(), bytes.size() - sent);
    if (count > 0) {
      stream->unacknowledged.append(bytes, sent, count);
      stream->written_total += static_cast<int64_t>(count);
      sent += count;
      stream->peer->OnOutput();
      continue;
    }
    stream->was_full = true;
    if (!is_blocking) break;
    const Time left = stream->write_timeout == kNever ? kNever : begin + stream->write_timeout - now_;
    const Wake wake = Wait([&] { return stream->is_writable(); }, left);
    if (wake == Wake::kInterrupted) error = EINTR;
    if (wake != Wake::kReady) break;
  }
  const auto offered = static_cast<int64_t>(size);
  if (sent > 0) return Result("send", fd, offered, static_cast<ssize_t>(sent));
  return Result("send", fd, offered, -1, error);
}

ssize_t Kernel::SendFile(int fd, int file, off_t* offset, size_t count) {
  const auto read = [&](size_t most) {
    std::string bytes(most, '\0');
    if (::pread(file, bytes.data(), most, *offset) != static_cast<ssize_t>(most)) Fail("a file cannot be read");
    return bytes;
  };
  const ssize_t sent = Send(fd, std::min<size_t>(count, size_t{1} << 20), read, /*waits=*/true);
  if (sent > 0) *offset += sent;
  return sent;
}

int Kernel::Shutdown(int fd) {
  Enter();
  File& file = Find(fd);
  if (file.kind == File::Kind::kListener) {
    ResetQueue();
    return static_cast<int>(Result("shutdown", fd, 0, 0));
  }
  Stream& stream = *file.stream;
  if (stream.is_reset) return static_cast<int>(Result("shutdown", fd, 0, -1, ENOTCONN));
  if (stream.is_shut_down) Fail(absl::StrCat("descriptor ", fd, " is shut down twice"));
  stream.is_shut_down = true;
  stream.shut_down_at = now_;
  NotifyFile(fd, POLLOUT | (stream.end_has_arrived ? POLLHUP : 0));
  stream.peer->OnOutput();
  return static_cast<int>(Result("shutdown", fd, 0, 0));
}

// A poller may not hold a descriptor whose number can be given out again (backends/poller/poller.h).
int Kernel::Close(int fd) {
  Enter();
  const File file = Find(fd);
  for (const auto& [epoll, other] : files_) {
    const bool is_socket = file.kind == File::Kind::kStream || file.kind == File::Kind::kListener;
    if (is_socket && other.ring != nullptr && other.ring->IsUsing(fd)) {
      Fail(absl::StrCat("descriptor ", fd, " is closed while the ring uses it"));
    }
    if (other.interests.count(fd) == 0) continue;
    if (file.kind == File::Kind::kStream) Fail(absl::StrCat("descriptor ", fd, " is closed while it is watched"));
    files_.at(epoll).interests.erase(fd);
  }
  files_.erase(fd);
  trace_.Add(now_, "close", fd, 0, 0);
  if (file.kind == File::Kind::kListener) ResetQueue();
  if (file.kind == File::Kind::kStream) {
    Stream& stream = *file.stream;
    stream.is_closed = true;
    stream.fd = -1;
    if (stream.peer == nullptr) return 0;  // It was never connected.
    stream.peer->OnClose();
    // Unread input turns the close into a reset (RFC 9293, section 3.10.4; RFC 2525, section 2.17).
    if (!stream.is_connected()) return 0;
    if (!stream.is_reset && (stream.resets_on_close || stream.arrived_bytes() > 0)) {
      stream.is_reset = true;
      stream.peer->OnReset();
    } else {
      stream.is_shut_down = true;
      stream.peer->OnOutput();
    }
  }
  return 0;
}

void Kernel::ResetQueue() {
  is_listening_ = false;
  for (const std::shared_ptr<Stream>& stream : queue_) {
    stream->is_reset = true;
    stream->peer->OnReset();
  }
  queue_.clear();
}

}  // namespace polyserve::simulation
