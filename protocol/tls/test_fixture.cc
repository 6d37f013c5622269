#include "protocol/tls/test_fixture.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "protocol/echo.h"

namespace polyserve {

namespace {

void WriteFile(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

}  // namespace

std::string TlsTestServer::Receive(absl::string_view bytes) {
  unconsumed_.append(bytes.data(), bytes.size());
  if (!closed_ && !unconsumed_.empty()) Show();
  return Run();
}

std::string TlsTestServer::LetTimePass() {
  EXPECT_TRUE(std::exchange(has_timer_, false));
  session_->OnTime(output_);
  return Run();
}

std::string TlsTestServer::Refuse() {
  session_->OnOverload(output_);
  return Run();
}

std::string TlsTestServer::End() {
  session_->OnEndOfInput(output_);
  return Run();
}

void TlsTestServer::Show() {
  Input input(unconsumed_);
  session_->OnInput(input, output_);
  paused_ = !output_.wants_more();
  unconsumed_.erase(0, unconsumed_.size() - input.bytes().size());
}

std::string TlsTestServer::Run() {
  std::string sent;
  while (true) {
    most_unsent_ = std::max(most_unsent_, static_cast<size_t>(output_.unsent_bytes()));
    errors_ += output_.TakeCounts().errors;
    Send(sent);
    if (output_.asks()) {
      output_.Answer(std::string("answer to ") + output_.asked().question.line);
      continue;
    }
    if (output_.has_work()) {
      if (output_.waits_before_work()) pauses_.push_back(output_.pause().length);
      output_.TakeWork()(output_);
      continue;
    }
    if (output_.asks_for_wake()) has_timer_ = output_.TakeWakeIn() < absl::InfiniteDuration();
    closed_ = closed_ || output_.closing();
    if (closed_ || !paused_) return sent;
    session_->OnResume(output_);
    paused_ = !output_.wants_more();
    if (!paused_ && !unconsumed_.empty()) Show();
  }
}

void TlsTestServer::Send(std::string& sent) {
  iovec piece;
  while (output_.FrontMemory(&piece, 1) == 1) {
    sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    output_.Sent(static_cast<int64_t>(piece.iov_len));
  }
  EXPECT_TRUE(output_.empty()) << "no file may be sent as it is";
}

TlsTestServer TlsFixture::Serve(std::unique_ptr<Session> inner, absl::string_view alpn) {
  return TlsTestServer(std::make_unique<TlsSession>(std::move(inner), context_, alpn,
                                                    TlsSession::Handshakes{absl::Seconds(20), &counters_}));
}

TlsTestServer TlsFixture::ServeEcho() { return Serve(std::make_unique<EchoSession>()); }

TlsTestServer TlsFixture::ServeScript(Script::Command command) {
  return Serve(std::make_unique<Script>(log_, std::move(command)));
}

void TlsFixture::Talk(TlsTestClient& client, TlsTestServer& server, size_t piece) {
  for (std::string to_server = client.TakeRecords(); !to_server.empty(); to_server = client.TakeRecords()) {
    for (absl::string_view left = to_server; !left.empty(); left.remove_prefix(std::min(piece, left.size()))) {
      const std::string to_client = server.Receive(left.substr(0, piece));
      for (absl::string_view back = to_client; !back.empty(); back.remove_prefix(std::min(piece, back.size()))) {
        client.Hear(back.substr(0, piece));
      }
    }
  }
}

std::shared_ptr<const TlsContext> TlsFixture::ContextOf(const std::vector<TestCertificate>& certificates,
                                                        const std::string& client_ca) {
  files_ = TlsFiles();
  const std::string base = absl::StrCat(testing::TempDir(), "/tls_test.", ::getpid(), ".");
  for (const TestCertificate& one : certificates) {
    files_.certificates.push_back(absl::StrCat(base, files_.certificates.size(), ".pem"));
    WriteFile(files_.certificates.back(), absl::StrCat(one.key, one.certificate));
  }
  if (!client_ca.empty()) WriteFile(files_.client_ca = absl::StrCat(base, "ca.pem"), client_ca);
  return ContextWith(ticket_keys_);
}

std::shared_ptr<const TlsContext> TlsFixture::ContextWith(const TlsTicketKeys& ticket_keys) const {
  const auto texts = ReadTlsFiles(files_);
  EXPECT_TRUE(texts.ok()) << texts.status();
  const auto context = TlsContext::Make(files_, *texts, ticket_keys);
  EXPECT_TRUE(context.ok()) << context.status();
  return context.value_or(nullptr);
}

}  // namespace polyserve
