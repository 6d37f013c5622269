#include "protocol/tls/test_client.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstddef>

#include "gtest/gtest.h"

namespace polyserve {

namespace {

X509* ReadCertificate(const std::string& text) {
  BIO* bio = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  EXPECT_NE(certificate, nullptr);
  return certificate;
}

void Trust(SSL_CTX* context, const std::string& text) {
  X509* certificate = ReadCertificate(text);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
  X509_free(certificate);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
}

void ShowOwn(SSL_CTX* context, const std::string& certificate_text, const std::string& key_text) {
  X509* certificate = ReadCertificate(certificate_text);
  BIO* bio = BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  EXPECT_EQ(SSL_CTX_use_cert_and_key(context, certificate, key, nullptr, 1), 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

}  // namespace

TlsTestClient::TlsTestClient(const Options& options) : context_(MakeContext(options)), ssl_(SSL_new(context_)) {
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_);
  if (!options.host.empty()) SSL_set_tlsext_host_name(ssl_, options.host.c_str());
  if (options.session != nullptr) {
    // A copy: OpenSSL marks the session of a connection that ends without close_notify as bad.
    SSL_SESSION* session = SSL_SESSION_dup(options.session.get());
    SSL_set_session(ssl_, session);
    SSL_SESSION_free(session);
  }
  Advance();
}

TlsTestClient::~TlsTestClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

// The security level is for the old version alone, which Debian's OpenSSL would not even ask for.
SSL_CTX* TlsTestClient::MakeContext(const Options& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (!options.trusts.empty()) Trust(context, options.trusts);
  if (!options.certificate.empty()) ShowOwn(context, options.certificate, options.key);
  if (!options.alpn.empty()) {
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(options.alpn.data()),
                            static_cast<unsigned int>(options.alpn.size()));
  }
  if (options.only_tls12) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  if (options.only_tls11) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  }
  return context;
}

void TlsTestClient::Say(absl::string_view plain) {
  to_say_.append(plain.data(), plain.size());
  Advance();
}

void TlsTestClient::SayEnd() { SSL_shutdown(ssl_); }

void TlsTestClient::Hear(absl::string_view records) {
  if (!records.empty()) BIO_write(SSL_get_rbio(ssl_), records.data(), static_cast<int>(records.size()));
  Advance();
}

std::string TlsTestClient::TakeRecords() {
  BIO* bio = SSL_get_wbio(ssl_);
  std::string records(BIO_ctrl_pending(bio), '\0');
  if (!records.empty()) BIO_read(bio, records.data(), static_cast<int>(records.size()));
  return records;
}

// SSL_read() takes the handshake on by itself.
void TlsTestClient::Advance() {
  ERR_clear_error();
  if (SSL_is_init_finished(ssl_) == 1 && !to_say_.empty()) {
    EXPECT_EQ(SSL_write(ssl_, to_say_.data(), static_cast<int>(to_say_.size())), static_cast<int>(to_say_.size()));
    to_say_.clear();
  }
  char buffer[4096];
  int count = 0;
  while ((count = SSL_read(ssl_, buffer, sizeof(buffer))) > 0) heard_.append(buffer, static_cast<size_t>(count));
  const int error = SSL_get_error(ssl_, count);
  if (error == SSL_ERROR_ZERO_RETURN) has_heard_end_ = true;
  if (error == SSL_ERROR_SSL && failure_.empty()) failure_ = ERR_reason_error_string(ERR_peek_error());
  if (error == SSL_ERROR_WANT_READ && SSL_is_init_finished(ssl_) == 1 && !to_say_.empty()) Advance();
}

bool TlsTestClient::is_open() const { return SSL_is_init_finished(ssl_) == 1; }

bool TlsTestClient::was_resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string TlsTestClient::version() const { return SSL_get_version(ssl_); }

std::string TlsTestClient::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return size == 0 ? "" : std::string(reinterpret_cast<const char*>(name), size);
}

std::string TlsTestClient::server_name() const {
  const X509* certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return "";
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  return name;
}

bool TlsTestClient::has_new_ticket(const SSL_SESSION& session) const {
  const unsigned char* ticket[2];
  size_t size[2];
  SSL_SESSION_get0_ticket(SSL_get_session(ssl_), &ticket[0], &size[0]);
  SSL_SESSION_get0_ticket(&session, &ticket[1], &size[1]);
  return absl::string_view(reinterpret_cast<const char*>(ticket[0]), size[0]) !=
         absl::string_view(reinterpret_cast<const char*>(ticket[1]), size[1]);
}

std::shared_ptr<SSL_SESSION> TlsTestClient::session() const {
  return {SSL_SESSION_dup(SSL_get_session(ssl_)), &SSL_SESSION_free};
}

}  // namespace polyserve
