// http: the file library over HTTP/1.1 (RFC 9110, RFC 9112): GET, HEAD, PUT and OPTIONS, with ranges, conditions,
// keep-alive and pipelining. docs/protocols.md describes it on the wire. A request for /-/chat that opens a WebSocket
// is the last one: a WebSocketSession takes the conversation over.
//
//              a whole head: answered at once ◀─┐
//                                               │     PUT             ┌────────────────────────────┐
//   ──▶ awaits a head (HttpHeadFinder) ─────────┼────────────────────▶│ upload_: content is stored │─┐
//        ▲                                      │                     └────────────────────────────┘ │
//        │                                      │ content that is     ┌────────────────────────────┐ │
//        │                                      ├────────────────────▶│ discard_left_ > 0          │─┤
//        │                                      │ not wanted          └────────────────────────────┘ │
//        │                                      │ Upgrade: websocket  ┌────────────────────────────┐ │
//        │                                      └────────────────────▶│ successor_, for good       │ │ the content's
//        │                                                            └────────────────────────────┘ │ end
//        └───────────────────────────────────────────────────────────────────────────────────────────┘
//
// If the end of a request is in doubt, the session refuses it and closes the connection. Bounds: those of
// HttpHeadFinder for a head and of HttpChunks for a chunk's line; content is never held. A request that arrives too
// slowly (HttpSite::Options) is answered with 408, and the connection closed. The driver limits the silence between
// requests, and so does the site, if it has a shorter limit. It may also bound the requests of a connection, and those
// of an address in a second.
#ifndef POLYSERVE_PROTOCOL_HTTP_SESSION_H_
#define POLYSERVE_PROTOCOL_HTTP_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/mailbox.h"
#include "protocol/file_fetch.h"
#include "protocol/http/authorization.h"
#include "protocol/http/head_finder.h"
#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/http/target.h"
#include "protocol/http/upload.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

// The calls below are those of Session; after an upgrade, all of them go to the WebSocketSession.
class HttpSession : public Session {
 public:
  // All sessions of a listener share the site.
  explicit HttpSession(std::shared_ptr<const HttpSite> site);
  ~HttpSession() override;

  void OnInput(Input& input, Output& output) override;
  void OnEndOfInput(Output& output) override;
  void OnTime(Output& output) override;
  void OnStop() override { is_stopping_ = true; }
  void OnOverload(Output& output) override;
  bool idle() const override { return successor_ != nullptr ? successor_->idle() : is_between_requests(); }
  void OnResume(Output& output) override {
    if (successor_ != nullptr) successor_->OnResume(output);
  }
  Mailbox* mailbox() override { return successor_ != nullptr ? successor_->mailbox() : nullptr; }
  void OnMessage(const Message& message, Output& output) override { successor_->OnMessage(message, output); }
  absl::string_view closing_message() const override {
    return successor_ != nullptr ? successor_->closing_message() : "";
  }
  bool wants_peer() const override {
    return site_->options().access_log != nullptr || site_->is_restricted() || site_->limits_rate() ||
           site_->options().chat != nullptr;
  }
  void OnPeer(absl::string_view address) override { peer_ = std::make_unique<const std::string>(address); }
  void OnPeerName(absl::string_view name) override;

 private:
  // What must arrive before the timer expires.
  enum class Awaits : uint8_t { kNothing, kHead, kContent, kNextRequest };

  // No content is expected; a part of a head may have arrived.
  bool is_between_requests() const { return upload_ == nullptr && discard_left_ == 0; }
  // Consumes heads and contents, as long as the output has room.
  void TakeRequests(Input& input, Output& output);
  // What is awaited now; `has_half_a_head`: a request has begun.
  Awaits FindAwaited(bool has_half_a_head) const;
  // Sets the timer if a request has arrived in part, or the next one has to come in time. A request in one piece needs
  // none.
  void Watch(bool has_half_a_head, Output& output);
  // The terms of a reply that closes, because the end of the request is unknown. `head` is for the log.
  HttpReplyTerms LastReply(absl::string_view head) const;
  // Null if there is no access log.
  std::shared_ptr<HttpLogEntry> StartLogEntry(absl::string_view head, const HttpRequest& request) const;
  // A whole head has arrived; `behind` is the input that follows it. False: its sender is being verified, or the file
  // fetched, and the head has to be passed again after that.
  bool OnHead(absl::string_view head, const Input& behind, Output& output);
  // The address may have one more request now. Asked once for each, however often its head is passed.
  bool Admit();
  // Refuses the request, or has it served; false as above.
  bool Answer(absl::string_view head, const HttpRequest& request, Output& output);
  HttpAuthorization::Result Authorize(const HttpRequest& request, const HttpTarget& target, Output& output);
  HttpAuthorization& authorization();
  FileFetch* fetch();  // Null unless the site has a fetcher.
  // Replies, or starts an upload or a WebSocket. False: a file is being fetched, and the head has to be passed again.
  bool Serve(absl::string_view head, const HttpRequest& request, const HttpTarget& target, Output& output);
  void OpenWebSocket(const HttpRequest& request, Output& output);
  // Consumes content, for upload_ or to discard it.
  void TakeContent(Input& input, Output& output);

  // Between requests the session holds nothing beyond these members: there may be very many sessions.
  const std::shared_ptr<const HttpSite> site_;
  HttpHeadFinder heads_;
  std::unique_ptr<Session> successor_;  // The session of the WebSocket, after an upgrade.
  std::unique_ptr<HttpUpload> upload_;  // Receives the content of a PUT; null otherwise.
  int64_t discard_left_ = 0;            // Bytes of unwanted content still to come.
  int64_t content_bytes_ = 0;           // Received since the timer was set.
  int64_t requests_ = 0;                // Whose heads were answered.
  Awaits awaits_ = Awaits::kNothing;
  bool is_admitted_ = false;                 // The request whose head is passed again; see Admit().
  bool is_stopping_ = false;                 // The server is stopping: the reply to the last request received closes.
  std::unique_ptr<const std::string> peer_;  // The address; null unless wants_peer().
  std::unique_ptr<HttpAuthorization> authorization_;  // Null unless the site is restricted.
  std::unique_ptr<FileFetch> fetch_;                  // Null unless the site has a fetcher.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SESSION_H_
