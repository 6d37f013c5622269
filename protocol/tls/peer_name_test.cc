#include "protocol/tls/peer_name.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"

namespace polyserve {

namespace {

std::string NameIn(const TestSubject& subject) {
  const std::string text = MakeTestCertificate(subject).certificate;
  BIO* bio = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  const std::string name = PeerNameOf(certificate);
  X509_free(certificate);
  return name;
}

TEST(PeerNameTest, CommonNameIsTheUser) {
  EXPECT_EQ(NameIn({{"ada"}}), "ada");
  EXPECT_EQ(NameIn({{"ada"}, "email:bob@example.org,DNS:bob"}), "ada");
  EXPECT_EQ(NameIn({{"\xc3\x84"
                     "da"}}),
            "\xc3\x84"
            "da");
}

TEST(PeerNameTest, WithoutOneItIsTheFirstAddressThenTheFirstHost) {
  EXPECT_EQ(NameIn({{}, "DNS:a.example,email:ada@example.org,email:eve@example.org"}), "ada@example.org");
  EXPECT_EQ(NameIn({{}, "IP:127.0.0.1,DNS:a.example,DNS:b.example"}), "a.example");
}

TEST(PeerNameTest, AmbiguousOrMissingNameIsNobody) {
  EXPECT_EQ(NameIn({{"ada", "eve"}}), "");
  EXPECT_EQ(NameIn({{"ada", "ada"}, "email:ada@example.org"}), "");
  EXPECT_EQ(NameIn({}), "");
  EXPECT_EQ(NameIn({{}, "IP:127.0.0.1"}), "");
}

TEST(PeerNameTest, NulDoesNotEndAName) {
  const std::string with_nul("ada\0.example", 12);
  EXPECT_EQ(NameIn({{with_nul}}), with_nul);
}

}  // namespace

}  // namespace polyserve
