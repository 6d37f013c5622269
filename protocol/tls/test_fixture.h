// The fixture of the tests of TlsSession: a driver in miniature, and clients in memory.
//
//   class TlsSessionTest : public TlsFixture {};
//   TEST_F(TlsSessionTest, ...) {
//     TlsTestServer server = ServeEcho();
//     TlsTestClient client({});
//     client.Say("hello");
//     Talk(client, server);
//     EXPECT_EQ(client.heard(), "hello");
#ifndef POLYSERVE_PROTOCOL_TLS_TEST_FIXTURE_H_
#define POLYSERVE_PROTOCOL_TLS_TEST_FIXTURE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tls/context.h"
#include "protocol/tls/handshake_counters.h"
#include "protocol/tls/session.h"
#include "protocol/tls/test_certificate.h"
#include "protocol/tls/test_client.h"
#include "protocol/tls/ticket_keys.h"

namespace polyserve {

// What the inner session has heard, and what it says: each input line is a command.
class Script : public Session {
 public:
  struct Log {
    std::string input;
    int resumes = 0;
    bool has_ended = false;
  };
  using Command = std::function<void(Output&)>;

  Script(Log& log, Command command) : log_(log), command_(std::move(command)) {}

  void OnInput(Input& input, Output& output) override {
    while (!input.empty() && output.wants_more()) {
      log_.input.push_back(input.bytes().front());
      input.Consume(1);
      if (log_.input.back() == '\n') command_(output);
    }
  }
  // What it learns of its peer is a part of the input: "[address]<name>".
  bool wants_peer() const override { return true; }
  void OnPeer(absl::string_view address) override { absl::StrAppend(&log_.input, "[", address, "]"); }
  void OnPeerName(absl::string_view name) override { absl::StrAppend(&log_.input, "<", name, ">"); }
  void OnEndOfInput(Output&) override { log_.has_ended = true; }
  void OnResume(Output&) override { ++log_.resumes; }
  void OnOverload(Output& output) override { output.Write("busy"); }
  absl::string_view closing_message() const override { return "bye"; }

 private:
  Log& log_;
  const Command command_;
};

// A driver in miniature around a TlsSession, with a peer that takes everything at once.
class TlsTestServer {
 public:
  explicit TlsTestServer(std::unique_ptr<TlsSession> session) : session_(std::move(session)) {}

  TlsSession& session() { return *session_; }
  bool closed() const { return closed_; }
  size_t most_unsent() const { return most_unsent_; }  // The most bytes that were in the output.
  int errors() const { return errors_; }
  bool has_timer() const { return has_timer_; }
  const std::vector<absl::Duration>& pauses() const { return pauses_; }

  // Each returns what the server sends.
  std::string Receive(absl::string_view bytes);
  std::string LetTimePass();  // Expects that there is a timer.
  std::string End();          // The peer's connection ends (FIN).
  std::string Refuse();       // The server is overloaded.

 private:
  void Show();
  std::string Run();
  void Send(std::string& sent);

  std::unique_ptr<TlsSession> session_;
  Output output_;
  std::string unconsumed_;
  std::vector<absl::Duration> pauses_;
  size_t most_unsent_ = 0;
  int errors_ = 0;
  bool paused_ = false;
  bool has_timer_ = false;
  bool closed_ = false;
};

class TlsFixture : public testing::Test {
 protected:
  static constexpr uint8_t kSecret[TlsTicketKeys::kSecretBytes] = {1, 2, 3};
  static constexpr absl::string_view kHttp = "\x08http/1.1\x08http/1.0";

  // A server around this session.
  TlsTestServer Serve(std::unique_ptr<Session> inner, absl::string_view alpn = kHttp);
  TlsTestServer ServeEcho();
  TlsTestServer ServeScript(Script::Command command);

  // Carries records to and fro, in pieces of at most `piece`, until both are silent.
  static void Talk(TlsTestClient& client, TlsTestServer& server, size_t piece = SIZE_MAX);

  // A context with these certificates, the first of which is the default.
  std::shared_ptr<const TlsContext> ContextOf(const std::vector<TestCertificate>& certificates,
                                              const std::string& client_ca = "");
  // The files that the last call has written, with other keys for tickets.
  std::shared_ptr<const TlsContext> ContextWith(const TlsTicketKeys& ticket_keys) const;

  const TlsTicketKeys ticket_keys_ = TlsTicketKeys(kSecret);
  TlsFiles files_;
  const TestCertificate certificate_ = MakeTestCertificate("localhost");
  std::shared_ptr<const TlsContext> context_ = ContextOf({certificate_});
  HandshakeCounters counters_ = {};
  Script::Log log_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_TEST_FIXTURE_H_
