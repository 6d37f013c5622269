// http: the file library over HTTP/1.1 (RFC 9110, RFC 9112): GET, HEAD, PUT and OPTIONS, with ranges, conditions,
// keep-alive and pipelining. What it does on the wire is told in docs/protocols.md. A request for /-/chat that opens a
// WebSocket is its last one: from there on another session has the conversation.
//
// If a request's end is not beyond doubt, it is refused and the connection closed. Bounds: HttpHeadFinder's for a
// head, HttpChunks' for a chunk's line; content is never held. A request that comes too slowly (HttpSite::Options) is
// answered with 408, and the connection closed; how long it may be silent between requests is the driver's concern.
#ifndef POLYSERVE_PROTOCOL_HTTP_SESSION_H_
#define POLYSERVE_PROTOCOL_HTTP_SESSION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/mailbox.h"
#include "protocol/http/head_finder.h"
#include "protocol/http/request.h"
#include "protocol/http/site.h"
#include "protocol/http/upload.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

class HttpSession : public Session {
 public:
  explicit HttpSession(std::shared_ptr<const HttpSite> site);
  ~HttpSession() override;

  void OnInput(Input& input, Output& output) override;
  void OnEndOfInput(Output& output) override;
  void OnTime(Output& output) override;
  void OnStop() override { is_stopping_ = true; }
  bool idle() const override { return successor_ != nullptr ? successor_->idle() : is_between_requests(); }
  void OnResume(Output& output) override {
    if (successor_ != nullptr) successor_->OnResume(output);
  }
  Mailbox* mailbox() override { return successor_ != nullptr ? successor_->mailbox() : nullptr; }
  void OnMessage(const Message& message, Output& output) override { successor_->OnMessage(message, output); }
  absl::string_view closing_message() const override {
    return successor_ != nullptr ? successor_->closing_message() : "";
  }
  bool wants_peer() const override { return site_->options().access_log != nullptr; }
  void OnPeer(absl::string_view address) override { peer_ = std::make_unique<const std::string>(address); }

 private:
  // What it waits for, once it has asked to be woken.
  enum class Awaits : uint8_t { kNothing, kHead, kContent };

  bool is_between_requests() const { return upload_ == nullptr && discard_left_ == 0; }
  void TakeRequests(Input& input, Output& output);
  void Watch(bool has_half_a_head, Output& output);
  HttpReplyTerms LastReply(absl::string_view head) const;
  std::shared_ptr<HttpLogEntry> StartLogEntry(absl::string_view head, const HttpRequest& request) const;
  void OnHead(absl::string_view head, const Input& behind, Output& output);
  void Answer(absl::string_view head, const HttpRequest& request, Output& output);
  void OpenWebSocket(const HttpRequest& request, Output& output);
  void TakeContent(Input& input, Output& output);

  // Between requests it holds no more than this: there may be very many sessions.
  const std::shared_ptr<const HttpSite> site_;
  HttpHeadFinder heads_;
  std::unique_ptr<Session> successor_;  // Has the conversation, if it is no longer one of HTTP.
  std::unique_ptr<HttpUpload> upload_;  // Takes the content that comes.
  int64_t discard_left_ = 0;            // So much of it is thrown away.
  int64_t content_bytes_ = 0;           // That have come since it was woken last.
  Awaits awaits_ = Awaits::kNothing;
  bool is_stopping_ = false;                 // The server is: the last of the requests that have come is the last one.
  std::unique_ptr<const std::string> peer_;  // Null unless there is a log.
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_SESSION_H_
