#include "client/load/load_tls.h"

#include <poll.h>

#include <cerrno>

#include "base/sys_error.h"
#include "net/deadline.h"

namespace polyserve {

// Without files there is nothing that could be wrong with them.
std::shared_ptr<const LoadTls> LoadTls::Create(std::string host, bool resumes) {
  std::unique_ptr<ClientTls> context = ClientTls::Create({.verifies = false, .resumes = resumes}).value();
  return std::shared_ptr<const LoadTls>(new LoadTls(std::move(context), std::move(host)));
}

absl::Status LoadTls::Await(const TlsSocket& socket, int fd, absl::Duration timeout) {
  const Deadline deadline(timeout);
  while (true) {
    pollfd waits = {fd, socket.awaits(), 0};
    const int ready = ::poll(&waits, 1, deadline.PollMilliseconds());
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return SysError("poll");
    if (deadline.passed()) return absl::UnavailableError("the server says nothing over TLS");
  }
}

absl::StatusOr<std::unique_ptr<TlsSocket>> LoadTls::Open(int fd, absl::Duration timeout) const {
  const Deadline deadline(timeout);
  std::unique_ptr<TlsSocket> socket = Wrap(fd);
  while (true) {
    const TlsSocket::Result result = socket->Handshake();
    if (result == TlsSocket::Result::kDone) return socket;
    if (result != TlsSocket::Result::kWaits) return absl::UnavailableError(socket->failure());
    if (absl::Status status = Await(*socket, fd, deadline.Left()); !status.ok()) return status;
  }
}

}  // namespace polyserve
