#include "protocol/tls/session.h"

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "base/logging.h"
#include "protocol/tls/channel.h"

namespace polyserve {

namespace {

// What a browser shows whose user has typed http:// instead of https://. In the clear, since the peer expects no TLS.
constexpr absl::string_view kAnswerToHttp =
    "HTTP/1.1 400 Bad Request\r\n"
    "Connection: close\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 45\r\n"
    "\r\n"
    "This port speaks TLS: use https:// instead.\r\n";

// What a peer begins with.
enum class Opening : uint8_t {
  kTls,        // A record of a handshake,
  kHttp,       // a request of HTTP,
  kMayBeHttp,  // too little to tell, but no record,
  kOther,      // or neither.
};

Opening OpeningOf(absl::string_view bytes) {
  constexpr char kHandshakeRecord = 0x16;  // RFC 8446, section 5.1.
  if (bytes.front() == kHandshakeRecord) return Opening::kTls;
  for (const absl::string_view method : {"GET ", "HEAD ", "POST ", "PUT "}) {
    if (absl::StartsWith(bytes, method)) return Opening::kHttp;
    if (absl::StartsWith(method, bytes)) return Opening::kMayBeHttp;
  }
  return Opening::kOther;
}

}  // namespace

TlsSession::TlsSession(std::unique_ptr<Session> inner, std::shared_ptr<const TlsContext> context,
                       absl::string_view alpn, Handshakes handshakes)
    : writer_(std::make_shared<TlsWriter>(std::move(context), alpn)),
      inner_(std::move(inner)),
      handshakes_(handshakes) {}

// A peer that was lost within the handshake.
TlsSession::~TlsSession() {
  if (phase_ == Phase::kHandshake && has_begun_) Count(&HandshakeCounters::failed);
}

void TlsSession::OnInput(Input& input, Output& output) {
  if (phase_ == Phase::kHandshake && !Handshake(input, output)) return;
  Converse(input, output);
}

// OpenSSL wants to see five bytes before it says that they are no record. A peer that has sent fewer, and waits, would
// keep its connection until the time is up. So the first byte is looked at here. What may still become a request of
// HTTP stays in the input: OpenSSL recognises that itself. No alert is sent to what does not speak TLS.
bool TlsSession::HasBegun(Input& input, Output& output) {
  if (has_begun_) return true;
  const Opening opening = OpeningOf(input.bytes());
  if (opening == Opening::kOther) Fail("the peer does not speak TLS", input, output);
  if (opening == Opening::kMayBeHttp) StartTimer(output);
  has_begun_ = opening == Opening::kTls || opening == Opening::kHttp;
  return has_begun_;
}

void TlsSession::StartTimer(Output& output) {
  if (!std::exchange(has_timer_, true)) output.SetTimer(handshakes_.timeout);
}

// The plain text that came behind the handshake, perhaps in one packet with its end, is shown at once.
bool TlsSession::Handshake(Input& input, Output& output) {
  if (!HasBegun(input, output)) return false;
  switch (writer_->channel().Handshake(input, output)) {
    case TlsChannel::Result::kDone:
      Open(output);
      return true;
    case TlsChannel::Result::kNeedsInput:
      StartTimer(output);
      return false;
    default:
      if (writer_->channel().was_http()) output.Write(kAnswerToHttp);
      Fail(writer_->channel().failure(), input, output);
      return false;
  }
}

void TlsSession::Count(std::atomic<int64_t> HandshakeCounters::*result) const {
  if (handshakes_.counters != nullptr) (handshakes_.counters->*result).fetch_add(1, std::memory_order_relaxed);
}

void TlsSession::Open(Output& output) {
  phase_ = Phase::kOpen;
  Count(writer_->channel().is_resumed() ? &HandshakeCounters::resumed : &HandshakeCounters::full);
  if (has_timer_) output.SetTimer(absl::InfiniteDuration());
  if (!peer_.empty()) inner_->OnPeer(peer_);
  if (const std::string name = writer_->channel().PeerName(); !name.empty()) inner_->OnPeerName(name);
}

// The alert that tells the peer why is in the output.
void TlsSession::Fail(absl::string_view why, Input& input, Output& output) {
  LOG_FLOOD(INFO) << "a TLS connection has failed: " << why;
  if (phase_ == Phase::kHandshake) Count(&HandshakeCounters::failed);
  phase_ = Phase::kOver;
  input.ConsumeAll();
  output.CountRequest();
  output.CountError();
  output.Close();
}

// Shows the inner session what there is, and delivers what it says, until it waits for the peer or the output is full.
// It takes no record while the inner session is held up, so that at most one is decrypted and waits.
void TlsSession::Converse(Input& input, Output& output) {
  while (true) {
    writer_->Deliver(output);
    if (!output.wants_more()) return;
    if (inner_is_paused_) {
      if (awaits_room()) return;
      ContinueInner();
    } else if (input_is_over_) {
      return input.ConsumeAll();
    } else if (!TakeRecord(input, output)) {
      return;
    }
  }
}

// As a driver resumes a session, whose text was held up with the driver; see Conversation::ResumeInput().
void TlsSession::ContinueInner() {
  inner_->OnResume(writer_->inner());
  mail_first_ = !mail_first_;
  if (mail_first_) ShowMail();
  inner_is_paused_ = !writer_->inner().wants_more();
  if (!inner_is_paused_ && !rest_.empty()) Show("", /*more_may_follow=*/false);
}

void TlsSession::ShowMail() {
  Mailbox* mailbox = inner_->mailbox();
  while (mailbox != nullptr && mailbox->has_mail() && writer_->inner().wants_more()) {
    const Message message = mailbox->Next();
    if (message == nullptr) return;  // Cut off meanwhile: the driver ends the conversation.
    inner_->OnMessage(message, writer_->inner());
  }
}

// False: there is none, or the connection has failed.
bool TlsSession::TakeRecord(Input& input, Output& output) {
  char buffer[TlsChannel::kRecordBytes];
  size_t count = 0;
  switch (writer_->channel().Read(input, output, buffer, count)) {
    case TlsChannel::Result::kDone:
      has_partial_record_ = false;
      has_plain_text_ = true;
      Show(absl::string_view(buffer, count), input.more_may_follow() || !input.empty());
      return true;
    case TlsChannel::Result::kNeedsInput:
      has_partial_record_ = writer_->channel().has_partial_record();
      return false;
    case TlsChannel::Result::kEnd:
      has_partial_record_ = false;
      input.ConsumeAll();
      input_is_over_ = true;
      inner_->OnEndOfInput(writer_->inner());
      if (!inner_->outlives_input()) writer_->CloseAtEnd();
      return true;
    case TlsChannel::Result::kFailed:
      break;
  }
  Fail(writer_->channel().failure(), input, output);
  return false;
}

// Plain text that the inner session has left goes before the new one.
void TlsSession::Show(absl::string_view plain, bool more_may_follow) {
  const bool keeps = !rest_.empty();
  if (keeps) rest_.append(plain.data(), plain.size());
  Input input(keeps ? absl::string_view(rest_) : plain, more_may_follow);
  inner_->OnInput(input, writer_->inner());
  inner_is_paused_ = !writer_->inner().wants_more() || awaits_room();
  std::string(input.bytes()).swap(rest_);  // Not an assignment, which would keep the memory.
}

// Replies that are due have been sent by now: a driver reports the end only when it has performed all output.
void TlsSession::OnEndOfInput(Output& output) {
  if (outlives_input()) return;
  OnClosing(output);
  output.Close();
}

void TlsSession::OnClosing(Output& output) {
  if (can_speak()) writer_->channel().Close(output);
  if (phase_ == Phase::kHandshake && has_begun_) Count(&HandshakeCounters::failed);
  phase_ = Phase::kOver;
}

void TlsSession::OnOverload(Output& output) {
  if (!can_speak()) return;
  inner_->OnOverload(writer_->inner());
  writer_->CloseAtEnd();
  writer_->Deliver(output);
}

void TlsSession::OnMessage(const Message& message, Output& output) {
  inner_->OnMessage(message, writer_->inner());
  writer_->Deliver(output);
}

void TlsSession::OnResume(Output& output) {
  if (!can_speak()) return;
  Input none("");
  Converse(none, output);
}

// Before the handshake is done, the time is up: TLS has no alert for that.
void TlsSession::OnTime(Output& output) {
  Input none("");
  if (phase_ == Phase::kHandshake) return Fail("the handshake has taken too long", none, output);
  if (!can_speak()) return;
  inner_->OnTime(writer_->inner());
  inner_is_paused_ = inner_is_paused_ || !writer_->inner().wants_more();
  Converse(none, output);
}

// A record is sent in one piece, so it is not for the inner session's peer to take its time within one. The handshake
// has a limit of its own.
bool TlsSession::awaits_rest_of_request() const {
  return phase_ == Phase::kOpen && (has_partial_record_ || inner_->awaits_rest_of_request());
}

// The inner session's message, and the alert that ends our side, so that the peer knows that nothing was cut off. Both
// are a change of the channel, and so are made once, and not while a task uses it.
absl::string_view TlsSession::closing_message() const {
  if (!closing_message_.empty()) return closing_message_;
  if (writer_->has_task() || !can_speak()) return "";
  Output output;
  const absl::string_view plain = inner_->closing_message();
  if (!plain.empty() && !writer_->channel().Write(plain, output)) return "";
  writer_->channel().Close(output);
  iovec piece;
  if (output.FrontMemory(&piece, 1) == 0) return "";
  closing_message_.assign(static_cast<const char*>(piece.iov_base), piece.iov_len);
  return closing_message_;
}

}  // namespace polyserve
