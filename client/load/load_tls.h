// LoadTls: TLS for the connections of a load. Like other load generators (wrk, h2load, ab), it takes any certificate:
// the server is the user's own, and what is measured is the work on the connection, not the judgement of the client.
//
//   std::unique_ptr<TlsSocket> socket = tls->Wrap(fd);   while (socket->Handshake() == kWaits) ... epoll_wait(2) ...
//   absl::StatusOr<std::unique_ptr<TlsSocket>> socket = tls->Open(fd, absl::Seconds(10));    the same, and waits
#ifndef POLYSERVE_CLIENT_LOAD_LOAD_TLS_H_
#define POLYSERVE_CLIENT_LOAD_LOAD_TLS_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/tls.h"

namespace polyserve {

// Shared by all threads of a plan; must outlive their connections.
class LoadTls {
 public:
  // `host`: the server as the user has named it, without its port. Without `resumes` each connection shakes hands in
  // full, as clients do that come for the first time; with it, it resumes the session of an earlier one if there is
  // one, as clients do that come back. The process ignores SIGPIPE from then on.
  static std::shared_ptr<const LoadTls> Create(std::string host, bool resumes);

  // TLS over a socket that is connected and does not block. `fd` must outlive it. Never null.
  std::unique_ptr<TlsSocket> Wrap(int fd) const { return std::make_unique<TlsSocket>(*context_, fd, host_); }

  // The same, with the handshake done. Blocks for `timeout` at most. Returns Unavailable, with the reason, if it fails.
  absl::StatusOr<std::unique_ptr<TlsSocket>> Open(int fd, absl::Duration timeout) const;

  // Waits until the socket is ready for what `socket` awaits, for `timeout` at most. Returns Unavailable if it is not.
  static absl::Status Await(const TlsSocket& socket, int fd, absl::Duration timeout);

 private:
  LoadTls(std::unique_ptr<const ClientTls> context, std::string host)
      : context_(std::move(context)), host_(std::move(host)) {}

  const std::unique_ptr<const ClientTls> context_;
  const std::string host_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_LOAD_TLS_H_
