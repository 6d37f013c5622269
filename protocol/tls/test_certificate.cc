#include "protocol/tls/test_certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

std::string TakeText(BIO* bio) {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

void AddNames(X509* certificate, const TestSubject& subject) {
  X509_NAME* name = X509_get_subject_name(certificate);
  for (const std::string& text : subject.common_names) {
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()), -1, 0);
  }
  X509_set_issuer_name(certificate, name);
  if (subject.alternative_names.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, subject.alternative_names.c_str());
  EXPECT_EQ(X509_add_ext(certificate, names, -1), 1);
  X509_EXTENSION_free(names);
}

}  // namespace

TestCertificate MakeTestCertificate(absl::string_view host, absl::Duration lifetime) {
  return MakeTestCertificate({{std::string(host)}, absl::StrCat("DNS:", host, ",IP:127.0.0.1")}, lifetime);
}

TestCertificate MakeTestCertificate(const TestSubject& subject, absl::Duration lifetime) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);  // Counted from 0: version 3, which has extensions.
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), absl::ToInt64Seconds(lifetime));
  X509_set_pubkey(certificate, key);
  AddNames(certificate, subject);
  EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
  BIO* certificate_text = BIO_new(BIO_s_mem());
  BIO* key_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_text, certificate);
  PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {TakeText(certificate_text), TakeText(key_text)};
}

void UseTestCertificate(SSL_CTX* context, const TestCertificate& certificate) {
  BIO* bio = BIO_new_mem_buf(certificate.certificate.data(), static_cast<int>(certificate.certificate.size()));
  X509* parsed = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = BIO_new_mem_buf(certificate.key.data(), static_cast<int>(certificate.key.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  EXPECT_EQ(SSL_CTX_use_cert_and_key(context, parsed, key, nullptr, /*override=*/1), 1);
  X509_free(parsed);
  EVP_PKEY_free(key);
}

}  // namespace polyserve
