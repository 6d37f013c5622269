// LoadSocket over TLS: what has come in part, and how it ends. The server is OpenSSL's, with its records in memory.
#include "client/load/load_socket.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/load/load_tls.h"
#include "client/tls.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"

namespace polyserve {

namespace {

class LoadSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    socket_ = LoadSocket(UniqueFd(ends[0]));
    peer_.reset(ends[1]);
    UseTestCertificate(context_, MakeTestCertificate("localhost"));
    server_ = SSL_new(context_);
    SSL_set_bio(server_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(server_);
    socket_.StartTls(*tls_);
    TlsSocket::Result result = TlsSocket::Result::kWaits;
    while (result == TlsSocket::Result::kWaits) {
      result = socket_.tls()->Handshake();
      Hear();
      SSL_do_handshake(server_);
      Send(Records());
    }
    ASSERT_EQ(result, TlsSocket::Result::kDone) << socket_.tls()->failure();
  }
  ~LoadSocketTest() override {
    SSL_free(server_);
    SSL_CTX_free(context_);
  }

  // The server takes what the client has sent.
  void Hear() {
    char bytes[4096];
    for (ssize_t count; (count = ::recv(peer_.get(), bytes, sizeof(bytes), 0)) > 0;) {
      BIO_write(SSL_get_rbio(server_), bytes, static_cast<int>(count));
    }
  }
  // What the server has to send, and has not sent.
  std::string Records() {
    std::string records(BIO_ctrl_pending(SSL_get_wbio(server_)), '\0');
    if (!records.empty()) BIO_read(SSL_get_wbio(server_), &records[0], static_cast<int>(records.size()));
    return records;
  }
  std::string RecordOf(absl::string_view text) {
    SSL_write(server_, text.data(), static_cast<int>(text.size()));
    return Records();
  }
  void Send(absl::string_view bytes) { ::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  const std::shared_ptr<const LoadTls> tls_ = LoadTls::Create("localhost", /*resumes=*/false);
  SSL_CTX* const context_ = SSL_CTX_new(TLS_server_method());
  SSL* server_ = nullptr;
  UniqueFd peer_;
  LoadSocket socket_;
  char buffer_[1 << 16];
};

// Whoever asked again at once would do so for as long as the peer takes to send the rest.
TEST_F(LoadSocketTest, PartOfARecordIsNotPending) {
  const std::string record = RecordOf(std::string(1000, 'x'));
  Send(absl::string_view(record).substr(0, 500));
  EXPECT_EQ(socket_.Receive(buffer_, sizeof(buffer_)), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_FALSE(socket_.has_pending());
  Send(absl::string_view(record).substr(500));
  EXPECT_EQ(socket_.Receive(buffer_, sizeof(buffer_)), 1000);
}

TEST_F(LoadSocketTest, RestOfARecordIsPending) {
  Send(RecordOf("hello"));
  EXPECT_EQ(socket_.Receive(buffer_, 2), 2);
  EXPECT_TRUE(socket_.has_pending());
  EXPECT_EQ(socket_.Receive(buffer_, sizeof(buffer_)), 3);
  EXPECT_FALSE(socket_.has_pending());
}

TEST_F(LoadSocketTest, SendsAndHearsTheEnd) {
  EXPECT_EQ(socket_.Send("hello"), 5);
  Hear();
  char heard[8];
  EXPECT_EQ(SSL_read(server_, heard, sizeof(heard)), 5);
  SSL_shutdown(server_);
  Send(Records());
  EXPECT_EQ(socket_.Receive(buffer_, sizeof(buffer_)), 0);
}

TEST_F(LoadSocketTest, EndWithoutCloseNotifyIsAFailure) {
  peer_.reset();
  EXPECT_EQ(socket_.Receive(buffer_, sizeof(buffer_)), -1);
  EXPECT_NE(errno, EAGAIN);
}

}  // namespace

}  // namespace polyserve
