// LoadSocket: a connection of the load, in the clear or over TLS, with the calls of recv(2) and send(2) for both. For
// threads to which the one test more does not matter; LoadWorker has a way of its own for each.
//
//   LoadSocket socket(dialer.Start());
//   ... writable ...  socket.StartTls(*plan.tls);   while (socket.tls()->Handshake() == kWaits) ...   only with TLS
//   socket.Send(request), socket.Receive(buffer, size)
#ifndef POLYSERVE_CLIENT_LOAD_LOAD_SOCKET_H_
#define POLYSERVE_CLIENT_LOAD_LOAD_SOCKET_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "client/load/load_tls.h"
#include "client/tls.h"

namespace polyserve {

// One thread at a time. Nothing blocks but OpenTls().
class LoadSocket {
 public:
  LoadSocket() = default;  // None.
  // In the clear, until TLS is started. `fd` does not block.
  explicit LoadSocket(UniqueFd fd) : fd_(std::move(fd)) {}
  LoadSocket(LoadSocket&& other) noexcept = default;
  LoadSocket& operator=(LoadSocket&& other) noexcept;

  bool ok() const { return fd_.ok(); }
  int fd() const { return fd_.get(); }  // For epoll_ctl(2) and poll(2).
  void Close();

  // From now on TLS, whose handshake is for the caller to make. REQUIRES: connected, and in the clear. `tls` must
  // outlive this object.
  void StartTls(const LoadTls& tls) { tls_ = tls.Wrap(fd_.get()); }
  // The same, with the handshake. Blocks for `timeout` at most. Returns Unavailable, with the reason, if it fails.
  absl::Status OpenTls(const LoadTls& tls, absl::Duration timeout);
  // Null: in the clear.
  TlsSocket* tls() const { return tls_.get(); }

  // As recv(2): the bytes read, 0 at the end, -1 with errno, which is EAGAIN if there are none now. Over TLS EPROTO is
  // a failure of TLS itself. If has_pending(), there may be more that epoll(7) and poll(2) do not know of; not after
  // EAGAIN, when TLS has a part of a record, and waits for the rest as well.
  ssize_t Receive(char* buffer, size_t size);
  bool has_pending() const { return tls_ != nullptr && !awaits_rest_ && tls_->has_pending(); }

  // As send(2): how many of the bytes were sent, or -1 with errno. What is left has to be sent first of all later, as
  // it is: over TLS a part of it may have been encrypted already.
  ssize_t Send(absl::string_view bytes);

 private:
  UniqueFd fd_;
  std::unique_ptr<TlsSocket> tls_;  // Destroyed before its socket.
  bool awaits_rest_ = false;        // The last Read() of tls_ has found too little.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_LOAD_SOCKET_H_
