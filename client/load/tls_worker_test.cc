// LoadWorker over TLS, against servers by OpenSSL alone that cut connections off, or send replies however they like.
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/load/fake_server.h"
#include "client/load/generator.h"
#include "client/load/http_get.h"
#include "client/load/load_tls.h"
#include "client/load/plan.h"
#include "client/load/report.h"
#include "client/load/tally.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "protocol/tls/test_certificate.h"

namespace polyserve {

namespace {

constexpr absl::string_view kRequest = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr absl::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::shared_ptr<const std::string> Text(absl::string_view text) { return std::make_shared<const std::string>(text); }

// One context for all servers: made of a certificate in the form of PEM.
SSL_CTX* ServerContext() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_server_method());
    UseTestCertificate(made, MakeTestCertificate("localhost"));
    return made;
  }();
  return context;
}

// As FakeServer, over TLS; the function is called with the handshake done. A connection that it leaves ends without
// close_notify.
class TlsFakeServer {
 public:
  explicit TlsFakeServer(std::function<void(SSL* ssl)> serve)
      : server_([serve = std::move(serve)](int fd) {
          SSL* ssl = SSL_new(ServerContext());
          SSL_set_fd(ssl, fd);
          if (SSL_accept(ssl) == 1) serve(ssl);
          SSL_free(ssl);
        }) {}

  Endpoint address() const { return server_.address(); }

 private:
  FakeServer server_;
};

void Say(SSL* ssl, absl::string_view text) { SSL_write(ssl, text.data(), static_cast<int>(text.size())); }

// Whether this many requests have come.
bool Hear(SSL* ssl, size_t requests = 1) {
  std::string heard(requests * kRequest.size(), '\0');
  for (size_t done = 0; done < heard.size();) {
    const int count = SSL_read(ssl, heard.data() + done, static_cast<int>(heard.size() - done));
    if (count <= 0) return false;
    done += static_cast<size_t>(count);
  }
  return true;
}

LoadPlan PlanFor(const Endpoint& server, absl::string_view content = "hello") {
  LoadPlan plan;
  plan.workload = "test";
  plan.to = server;
  plan.tls = LoadTls::Create("localhost", /*resumes=*/false);
  plan.connections = 2;
  plan.duration = absl::Milliseconds(300);
  plan.make_exchange = [content = Text(content)] { return std::make_unique<HttpGet>(Text(kRequest), content); };
  return plan;
}

LoadTally CarryOut(const LoadPlan& plan) {
  absl::StatusOr<LoadTally> tally = RunLoad(plan);
  EXPECT_TRUE(tally.ok()) << tally.status();
  return tally.ok() ? *std::move(tally) : LoadTally();
}

TEST(TlsWorkerTest, RepliesThatComeInOneRecordAreAllTaken) {
  TlsFakeServer server([](SSL* ssl) {
    while (Hear(ssl, 4)) Say(ssl, absl::StrCat(kReply, kReply, kReply, kReply));
  });
  LoadPlan plan = PlanFor(server.address());
  plan.depth = 4;
  const LoadTally tally = CarryOut(plan);
  EXPECT_GT(tally.replies, 10u);
  EXPECT_EQ(FaultsOf(plan, tally), std::vector<std::string>());
}

TEST(TlsWorkerTest, ReplyOfManyRecordsIsOne) {
  const std::string content(300'000, 'x');
  TlsFakeServer server([&](SSL* ssl) {
    const std::string reply = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", content.size(), "\r\n\r\n", content);
    while (Hear(ssl)) {
      for (absl::string_view left = reply; !left.empty(); left.remove_prefix(std::min<size_t>(left.size(), 20'011))) {
        Say(ssl, left.substr(0, 20'011));
      }
    }
  });
  const LoadPlan plan = PlanFor(server.address(), content);
  const LoadTally tally = CarryOut(plan);
  EXPECT_GT(tally.replies, 2u);
  EXPECT_EQ(FaultsOf(plan, tally), std::vector<std::string>());
}

TEST(TlsWorkerTest, CloseBetweenTwoRepliesIsNoFault) {
  TlsFakeServer server([](SSL* ssl) {
    for (int i = 0; i < 4 && Hear(ssl); ++i) Say(ssl, kReply);
    SSL_shutdown(ssl);
  });
  const LoadPlan plan = PlanFor(server.address());
  const LoadTally tally = CarryOut(plan);
  EXPECT_GT(tally.replies, 10u);
  EXPECT_GT(tally.reconnections, 0u);
  EXPECT_GE(tally.handshakes + 4, tally.reconnections);
  EXPECT_EQ(FaultsOf(plan, tally), std::vector<std::string>());
}

TEST(TlsWorkerTest, ReplyThatIsCutOffIsAFaultAlsoIfItEndsWithTheConnection) {
  for (const char* head : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "HTTP/1.0 200 OK\r\n\r\nhello"}) {
    TlsFakeServer server([head](SSL* ssl) {
      if (Hear(ssl)) Say(ssl, head);
    });
    const LoadPlan plan = PlanFor(server.address());
    const LoadTally tally = CarryOut(plan);
    EXPECT_EQ(tally.replies_in_all, 0u) << head;
    EXPECT_GT(tally.broken + tally.reconnections, 0u) << head;
    EXPECT_FALSE(FaultsOf(plan, tally).empty()) << head;
  }
}

TEST(TlsWorkerTest, NewConnectionOfEachRequestHasAHandshake) {
  TlsFakeServer server([](SSL* ssl) {
    while (Hear(ssl)) Say(ssl, kReply);
  });
  LoadPlan plan = PlanFor(server.address());
  plan.connection_each = true;
  const LoadTally tally = CarryOut(plan);
  EXPECT_GT(tally.replies, 2u);
  EXPECT_GE(tally.handshakes + 4, tally.replies);
  EXPECT_EQ(tally.resumed, 0u);
  EXPECT_EQ(FaultsOf(plan, tally), std::vector<std::string>());
}

TEST(TlsWorkerTest, HandshakeThatFailsIsNoConnection) {
  const FakeServer server([](int fd) {
    char byte;
    if (::recv(fd, &byte, 1, 0) == 1) polyserve::Say(fd, "HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const absl::Status status = RunLoad(PlanFor(server.address())).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "connection 1: ")) << status;
}

}  // namespace

}  // namespace polyserve
