// ClientTls and TlsSocket: the client's end of TLS over a socket, as calls that never wait. Connection does the
// waiting, and so do the threads of the load generator.
//
//   std::unique_ptr<ClientTls> tls = *ClientTls::Create({.ca = "cert.pem"});
//   TlsSocket socket(*tls, fd, "localhost");
//   while (socket.Handshake() == TlsSocket::Result::kWaits) ... poll(fd, socket.awaits()) ...
#ifndef POLYSERVE_CLIENT_TLS_H_
#define POLYSERVE_CLIENT_TLS_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace polyserve {

// What all connections of a client have in common: TLS 1.2 or 1.3, with OpenSSL's own choice of ciphers. Any thread may
// use it. It must outlive its connections.
class ClientTls {
 public:
  struct Options {
    // Paths of PEM files.
    std::string ca = {};           // Whom to trust; empty: the authorities that the system trusts.
    std::string certificate = {};  // The client's own, if servers ask for one, with its chain.
    std::string key = {};          // Its key; empty: it is in the same file.
    // Whether the server's certificate has to be trusted, and to be for the host.
    bool verifies = true;
    // Whether a connection resumes the session of an earlier one to the same server, if there is a ticket left: each is
    // used once, as browsers do (RFC 8446, appendix C.4), those of TLS 1.2 over and over.
    bool resumes = false;
  };

  // Reads the files. Returns InvalidArgument, with a text that names the file, if one is missing or wrong. From then on
  // the process ignores SIGPIPE, since OpenSSL writes by write(2), which has no flag against it.
  static absl::StatusOr<std::unique_ptr<ClientTls>> Create(const Options& options);
  ~ClientTls();
  ClientTls(const ClientTls&) = delete;
  ClientTls& operator=(const ClientTls&) = delete;

  // A connection over this socket to a server that the user knows as `host`, a name or an address. For the caller to
  // free. Never null.
  SSL* NewConnection(int fd, const std::string& host) const;

 private:
  ClientTls();
  absl::Status Configure(const Options& options);
  // OpenSSL's callback: SSL_CTX_sess_set_new_cb(3).
  static int OnSession(SSL* ssl, SSL_SESSION* session);
  // Has the connection resume one of sessions_.
  void Resume(SSL* ssl) const;

  static constexpr size_t kMostSessions = 1024;  // As many connections may be made before one of them gets a ticket.

  SSL_CTX* const context_;
  mutable Mutex mutex_;
  mutable std::vector<SSL_SESSION*> sessions_ ABSL_GUARDED_BY(mutex_);  // Each with a ticket; Options::resumes alone.
};

// One connection. Threads: one at a time.
class TlsSocket {
 public:
  // kWaits: nothing was done; again when the socket is ready for awaits(). kEnd: the server sends no more. kFailed: see
  // failure(); each further call fails as well.
  enum class Result : uint8_t { kDone, kWaits, kEnd, kFailed };

  // `fd` is non-blocking, and outlives this object.
  TlsSocket(const ClientTls& tls, int fd, const std::string& host) : ssl_(tls.NewConnection(fd, host)) {}
  // Says that this side sends no more (close_notify), if the socket takes it at once.
  ~TlsSocket();
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;

  Result Handshake();
  // Reads at most `size` bytes, at least 1; `count` is how many.
  Result Read(char* buffer, size_t size, size_t& count);
  // Sends some of the bytes, which are not none; `count` is how many. After kWaits it has to be called with the same
  // bytes again, which may lie elsewhere then.
  Result Write(absl::string_view bytes, size_t& count);
  // kDone if Read() would return bytes now.
  Result Peek();
  // Says that this side sends no more; the server's reply can still be read.
  void SendEnd();

  // Read() may find something without the socket: ask before waiting for it.
  bool has_pending() const;
  short awaits() const;  // POLLIN or POLLOUT.
  bool was_resumed() const;
  std::string version_and_cipher() const;  // "TLSv1.3 TLS_AES_256_GCM_SHA384"

  // After kFailed: "the server's certificate is not trusted: self-signed certificate", or OpenSSL's own words.
  const std::string& failure() const { return failure_; }
  // After kFailed: the socket's errno, or EPROTO.
  int error() const { return error_; }

 private:
  Result ResultOf(int returned);
  Result Fail();

  SSL* const ssl_;
  int error_ = 0;  // 0: it has not failed.
  std::string failure_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_TLS_H_
