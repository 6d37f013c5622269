#include "client/load/load_socket.h"

#include <sys/socket.h>

#include <cerrno>

#include "absl/status/statusor.h"

namespace polyserve {

// In this order: TLS says farewell over the socket that it is on.
LoadSocket& LoadSocket::operator=(LoadSocket&& other) noexcept {
  tls_ = std::move(other.tls_);
  fd_ = std::move(other.fd_);
  awaits_rest_ = other.awaits_rest_;
  return *this;
}

void LoadSocket::Close() {
  tls_.reset();
  fd_.reset();
  awaits_rest_ = false;
}

absl::Status LoadSocket::OpenTls(const LoadTls& tls, absl::Duration timeout) {
  absl::StatusOr<std::unique_ptr<TlsSocket>> opened = tls.Open(fd_.get(), timeout);
  if (!opened.ok()) return opened.status();
  tls_ = *std::move(opened);
  return absl::OkStatus();
}

ssize_t LoadSocket::Receive(char* buffer, size_t size) {
  if (tls_ == nullptr) return ::recv(fd_.get(), buffer, size, 0);
  size_t count = 0;
  const TlsSocket::Result result = tls_->Read(buffer, size, count);
  awaits_rest_ = result == TlsSocket::Result::kWaits;
  switch (result) {
    case TlsSocket::Result::kDone:
      return static_cast<ssize_t>(count);
    case TlsSocket::Result::kEnd:
      return 0;
    case TlsSocket::Result::kWaits:
      errno = EAGAIN;
      return -1;
    case TlsSocket::Result::kFailed:
      break;
  }
  errno = tls_->error();
  return -1;
}

// A record at a time, until all are sent or the socket is full.
ssize_t LoadSocket::Send(absl::string_view bytes) {
  if (tls_ == nullptr) return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ssize_t sent = 0;
  while (!bytes.empty()) {
    size_t count = 0;
    const TlsSocket::Result result = tls_->Write(bytes, count);
    if (result != TlsSocket::Result::kDone) {
      if (sent > 0) break;
      errno = result == TlsSocket::Result::kWaits ? EAGAIN : tls_->error();
      return -1;
    }
    bytes.remove_prefix(count);
    sent += static_cast<ssize_t>(count);
  }
  return sent;
}

}  // namespace polyserve
