// tls: any session over TLS. A TlsSession is a session around another one: drivers see only this one, and the inner
// session sees plain text and knows nothing of TLS. So each service can be encrypted, under each model.
//
//   driver ── records ──▶ TlsChannel ── plain text ──▶ inner session
//          ◀── records ── TlsWriter  ◀── its Output ──┘
//
// The handshake comes first, and has a time limit from its first byte on. A peer that closes its side in good order
// (close_notify) still gets the replies that are due. One whose TCP connection ends without that may have been cut off
// by someone else: the inner session is not told that the input has ended, so that it takes no part of it for the
// whole. If the peer has shown a certificate, the inner session learns whom it names (Session::OnPeerName()), before
// any input. A request of HTTP in the clear is answered with a page that says so; any other peer that does not speak
// TLS is refused at its first byte. Bounds: the inner session's own, and two records of 16 KiB, one in OpenSSL, one
// here.
#ifndef POLYSERVE_PROTOCOL_TLS_SESSION_H_
#define POLYSERVE_PROTOCOL_TLS_SESSION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mailbox.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tls/context.h"
#include "protocol/tls/handshake_counters.h"
#include "protocol/tls/writer.h"

namespace polyserve {

// For streams alone. The calls are those of Session. A handshake that fails counts as a request, and as an error, and
// the log says why (LOG_FLOOD). So does a record that was forged.
class TlsSession : public Session {
 public:
  struct Handshakes {
    absl::Duration timeout;                 // May be infinite.
    HandshakeCounters* counters = nullptr;  // Null: nothing counts.
  };

  // `alpn` is that of TlsChannel.
  TlsSession(std::unique_ptr<Session> inner, std::shared_ptr<const TlsContext> context, absl::string_view alpn,
             Handshakes handshakes);
  ~TlsSession() override;

  void OnInput(Input& input, Output& output) override;
  void OnEndOfInput(Output& output) override;
  void OnStop() override { inner_->OnStop(); }
  // Before the handshake is done there is nothing to say.
  void OnOverload(Output& output) override;
  bool is_refusable() const override { return can_speak() && inner_->is_refusable(); }
  Mailbox* mailbox() override { return inner_->mailbox(); }
  void OnMessage(const Message& message, Output& output) override;
  void OnResume(Output& output) override;
  void OnTime(Output& output) override;
  bool wants_peer() const override { return inner_->wants_peer(); }
  // The inner session hears of the peer when the handshake is done, as of an accepted one.
  void OnPeer(absl::string_view address) override { peer_.assign(address.data(), address.size()); }
  bool outlives_input() const override { return input_is_over_ && inner_->outlives_input(); }
  bool idle() const override { return !has_partial_record_ && rest_.empty() && !inner_is_paused_ && inner_->idle(); }
  bool is_opening() const override { return !has_plain_text_; }
  void OnClosing(Output& output) override;
  bool awaits_rest_of_request() const override;
  absl::string_view closing_message() const override;

 private:
  enum class Phase : uint8_t { kHandshake, kOpen, kOver };

  // False: nothing that is TLS has come so far, and the connection may be over.
  bool HasBegun(Input& input, Output& output);
  void StartTimer(Output& output);
  bool Handshake(Input& input, Output& output);
  void Count(std::atomic<int64_t> HandshakeCounters::*result) const;
  void Open(Output& output);
  void Fail(absl::string_view why, Input& input, Output& output);
  void Converse(Input& input, Output& output);
  bool TakeRecord(Input& input, Output& output);
  void Show(absl::string_view plain, bool more_may_follow);
  void ContinueInner();
  void ShowMail();
  bool awaits_room() {
    const Mailbox* const mailbox = inner_->mailbox();
    return mailbox != nullptr && mailbox->awaits_room();
  }
  bool can_speak() const { return phase_ == Phase::kOpen && !writer_->is_closed(); }

  const std::shared_ptr<TlsWriter> writer_;
  const std::unique_ptr<Session> inner_;
  const Handshakes handshakes_;
  std::string peer_;                     // Its address; empty if the inner session does not want it.
  std::string rest_;                     // Plain text that the inner session has not consumed.
  mutable std::string closing_message_;  // Made when it is asked for.
  Phase phase_ = Phase::kHandshake;
  bool has_begun_ = false;           // The handshake has.
  bool has_timer_ = false;           // That of the handshake.
  bool has_plain_text_ = false;      // The peer has said something.
  bool has_partial_record_ = false;  // Something has arrived that cannot be decrypted yet.
  bool inner_is_paused_ = false;     // Its output was full, or it awaits room: no input before its OnResume().
  bool input_is_over_ = false;       // The peer has ended its side in good order (close_notify).
  bool mail_first_ = false;          // At the next ContinueInner(): plain text that was held up and mail take turns.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_SESSION_H_
