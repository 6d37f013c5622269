// TlsServer: what makes a server's sessions encrypted ones, with certificates that may change while it runs. Only the
// server's own process reads the files; the others get what it has read through a file in memory (memfd_create(2)), so
// that all have the same certificates at any time, and none depends on files that are being replaced.
//
//   Create(), Reload():  reads the files ─▶ checks them ─▶ writes them to the shared file ─▶ ++readings
//   other processes:     MakeSession() ─▶ readings has changed? ─▶ reads the shared file
//
// Sessions under way keep the certificate that they began with.
#ifndef POLYSERVE_PROTOCOL_TLS_SERVER_H_
#define POLYSERVE_PROTOCOL_TLS_SERVER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "protocol/session.h"
#include "protocol/tls/context.h"
#include "protocol/tls/handshake_counters.h"
#include "protocol/tls/ticket_keys.h"

namespace polyserve {

// Any thread may call it.
class TlsServer {
 public:
  struct Options {
    TlsFiles files;
    absl::Duration handshake_timeout;       // From the first byte of a client on; may be infinite.
    HandshakeCounters* counters = nullptr;  // Null: nothing counts.
  };

  // Reads the files, which may block. Errors are for the user: those of ReadTlsFiles() and TlsContext::Make(), or that
  // the system has no memory or descriptor left. `readings`, zero at first, and `secret` (see TlsTicketKeys) are in
  // memory that all processes of the server share, and must outlive this object and its sessions.
  static absl::StatusOr<std::shared_ptr<TlsServer>> Create(Options options, std::atomic<int64_t>& readings,
                                                           const uint8_t* secret);

  // For a program image, which is started afresh: reads nothing. Call Adopt() before the first MakeSession().
  static std::shared_ptr<TlsServer> OfServer(Options options, std::atomic<int64_t>& readings, const uint8_t* secret);
  // The shared file, for an image to adopt; -1 in an image before that.
  int fd() const { return shared_.get(); }
  void Adopt(UniqueFd shared) { shared_ = std::move(shared); }

  // Puts TLS around a session. `alpn` is that of TlsChannel. Never null. Takes over certificates that have been read
  // elsewhere; if that fails, for want of memory, the session has the previous ones. An image, which has none, ends.
  std::unique_ptr<Session> MakeSession(std::unique_ptr<Session> inner, absl::string_view alpn);

  // Reads the files anew, for all processes. If that fails, all keep what they have. In the process of Create() alone.
  absl::Status Reload();

 private:
  TlsServer(Options options, std::atomic<int64_t>& readings, const uint8_t* secret)
      : options_(std::move(options)), ticket_keys_(secret), readings_(readings) {}

  std::shared_ptr<const TlsContext> Current();
  absl::StatusOr<std::shared_ptr<const TlsContext>> TakeOver(int64_t& reading) const;
  absl::Status Share(const std::vector<std::string>& texts, int64_t reading) const;

  const Options options_;
  const TlsTicketKeys ticket_keys_;
  std::atomic<int64_t>& readings_;
  UniqueFd shared_;  // Constant while there are other threads.
  Mutex reading_;
  int64_t read_ ABSL_GUARDED_BY(reading_) = 0;  // The number of the reading that context_ comes from.
  std::shared_ptr<const TlsContext> context_ ABSL_GUARDED_BY(reading_);
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_SERVER_H_
