// TlsChannel: the server's end of one TLS connection (TLS 1.2, RFC 5246; TLS 1.3, RFC 8446), free of I/O: OpenSSL reads
// records out of an Input, and writes records into an Output. It does so through a BIO of our own, which copies nothing
// more than a memory BIO would have to, and holds nothing: what OpenSSL does not take stays in the Input, and what it
// writes is in the Output at once.
//
//   Handshake() ── kNeedsInput: again with the next input ──▶ kDone
//   Read()      ── kDone: plain text; again, until kNeedsInput ──▶ kEnd: the peer sends no more (close_notify)
//   Write(), and at the end Close()
//   kFailed from any of them: the alert that says why is in the Output; no call may follow
#ifndef POLYSERVE_PROTOCOL_TLS_CHANNEL_H_
#define POLYSERVE_PROTOCOL_TLS_CHANNEL_H_

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tls/context.h"

namespace polyserve {

// Calls must not overlap, but may come from different threads. Each may take milliseconds of a processor during the
// handshake; none blocks.
class TlsChannel {
 public:
  enum class Result : uint8_t { kDone, kNeedsInput, kEnd, kFailed };

  // The most plain text of one record (RFC 8446, section 5.1).
  static constexpr size_t kRecordBytes = 16 * 1024;

  // `alpn`: the protocols that the peer may ask for, in their form on the wire (RFC 7301, section 3.1), in static
  // storage; "" refuses a peer that asks for any.
  TlsChannel(std::shared_ptr<const TlsContext> context, absl::string_view alpn);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  // Takes the handshake on by the bytes of the input, and appends the answer.
  Result Handshake(Input& input, Output& output);

  // Stores plain text of one record in `buffer`, which holds kRecordBytes, and its size in `count`. Takes no more of
  // the input than that needs. May append: alerts, and answers to messages of TLS itself.
  Result Read(Input& input, Output& output, char* buffer, size_t& count);

  // Appends the bytes, in records of at most kRecordBytes. False: OpenSSL cannot (it has no memory left).
  bool Write(absl::string_view plain, Output& output);

  // Appends the alert that ends our side in good order (close_notify).
  void Close(Output& output);

  // After the handshake: the user whom the peer's certificate names (PeerNameOf()); "" if it names nobody, or if none
  // was shown.
  std::string PeerName() const;

  // After the handshake: it has resumed an earlier session, by its ticket.
  bool is_resumed() const { return SSL_session_reused(ssl_) == 1; }

  // After kNeedsInput: a record has arrived in part.
  bool has_partial_record() const { return has_partial_record_; }

  // After kFailed: why, in OpenSSL's words, such as "unsupported protocol". Static storage.
  absl::string_view failure() const { return failure_; }
  // After kFailed: the peer has sent a request of HTTP in the clear, and understands no alert.
  bool was_http() const { return was_http_; }

 private:
  // What the BIO reads and writes during one call.
  struct Ends {
    Input* input;
    Output* output;
  };
  class Lend;

  static const BIO_METHOD* Method();
  static int OnRead(BIO* bio, char* buffer, int size);
  static int OnWrite(BIO* bio, const char* bytes, int size);
  static long OnControl(BIO* bio, int command, long number, void* pointer);
  Result ResultOf(int returned);
  Result Fail();

  const std::shared_ptr<const TlsContext> context_;
  const absl::string_view alpn_;
  Ends ends_ = {nullptr, nullptr};
  SSL* const ssl_;
  absl::string_view failure_;
  bool has_partial_record_ = false;
  bool was_http_ = false;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_CHANNEL_H_
