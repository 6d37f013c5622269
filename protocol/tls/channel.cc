#include "protocol/tls/channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/logging.h"
#include "protocol/tls/peer_name.h"

namespace polyserve {

// Lends the input and the output to the BIO for one call. OpenSSL keeps a queue of errors for each thread, and judges a
// call by what is in it, so it has to be empty before.
class TlsChannel::Lend {
 public:
  Lend(TlsChannel& channel, Input* input, Output& output) : ends_(channel.ends_) {
    ERR_clear_error();
    ends_ = {input, &output};
  }
  ~Lend() { ends_ = {nullptr, nullptr}; }
  Lend(const Lend&) = delete;
  Lend& operator=(const Lend&) = delete;

 private:
  Ends& ends_;
};

const BIO_METHOD* TlsChannel::Method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "polyserve");
    CHECK(made != nullptr) << "OpenSSL has no memory";
    BIO_meth_set_read(made, &OnRead);
    BIO_meth_set_write(made, &OnWrite);
    BIO_meth_set_ctrl(made, &OnControl);
    return made;
  }();
  return method;
}

int TlsChannel::OnRead(BIO* bio, char* buffer, int size) {
  Input* input = static_cast<Ends*>(BIO_get_data(bio))->input;
  BIO_clear_retry_flags(bio);
  if (input == nullptr || input->empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const size_t count = std::min(input->bytes().size(), static_cast<size_t>(size));
  std::copy_n(input->bytes().data(), count, buffer);
  input->Consume(count);
  return static_cast<int>(count);
}

int TlsChannel::OnWrite(BIO* bio, const char* bytes, int size) {
  Output* output = static_cast<Ends*>(BIO_get_data(bio))->output;
  BIO_clear_retry_flags(bio);
  CHECK(output != nullptr) << "OpenSSL writes only when it is called";
  output->Write(absl::string_view(bytes, static_cast<size_t>(size)));
  return size;
}

// OpenSSL flushes a flight of the handshake, which has been written by then. It asks for nothing else that is there.
long TlsChannel::OnControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

TlsChannel::TlsChannel(std::shared_ptr<const TlsContext> context, absl::string_view alpn)
    : context_(std::move(context)), alpn_(alpn), ssl_(context_->NewConnection(&alpn_)) {
  BIO* bio = BIO_new(Method());
  CHECK(bio != nullptr) << "OpenSSL has no memory";
  BIO_set_data(bio, &ends_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);  // Owned by ssl_ from here on.
}

TlsChannel::~TlsChannel() { SSL_free(ssl_); }

TlsChannel::Result TlsChannel::Handshake(Input& input, Output& output) {
  const Lend lend(*this, &input, output);
  return ResultOf(SSL_do_handshake(ssl_));
}

TlsChannel::Result TlsChannel::Read(Input& input, Output& output, char* buffer, size_t& count) {
  const Lend lend(*this, &input, output);
  return ResultOf(SSL_read_ex(ssl_, buffer, kRecordBytes, &count));
}

// With a BIO that takes everything there is no partial write, and no reason to try again.
bool TlsChannel::Write(absl::string_view plain, Output& output) {
  const Lend lend(*this, nullptr, output);
  size_t written = 0;
  return SSL_write_ex(ssl_, plain.data(), plain.size(), &written) == 1 && written == plain.size();
}

// The result is 0 unless the peer has closed its side before, and says nothing else.
void TlsChannel::Close(Output& output) {
  const Lend lend(*this, nullptr, output);
  SSL_shutdown(ssl_);
}

// A server sees a certificate only if it has asked for one, and has verified it by then. That of a session that is
// resumed comes from the ticket.
std::string TlsChannel::PeerName() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return "";
  return PeerNameOf(certificate);
}

// The first error in the queue names the cause.
TlsChannel::Result TlsChannel::Fail() {
  const unsigned long error = ERR_peek_error();
  const char* reason = ERR_reason_error_string(error);
  failure_ = reason == nullptr ? "no reason is known" : reason;
  was_http_ = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
  ERR_clear_error();
  return Result::kFailed;
}

// What is left in the input after kNeedsInput is nothing: OpenSSL asks for more only when the BIO has none. A record
// has arrived in part if OpenSSL holds bytes of its head, or waits for its body.
TlsChannel::Result TlsChannel::ResultOf(int returned) {
  if (returned == 1) return Result::kDone;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      has_partial_record_ = SSL_has_pending(ssl_) == 1 || std::strcmp(SSL_rstate_string(ssl_), "RH") != 0;
      return Result::kNeedsInput;
    case SSL_ERROR_ZERO_RETURN:
      return Result::kEnd;
    default:
      return Fail();
  }
}

}  // namespace polyserve
