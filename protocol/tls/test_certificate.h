// MakeTestCertificate: a self-signed certificate with a new key, for tests. Nothing is checked in that could expire.
#ifndef POLYSERVE_PROTOCOL_TLS_TEST_CERTIFICATE_H_
#define POLYSERVE_PROTOCOL_TLS_TEST_CERTIFICATE_H_

#include <openssl/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace polyserve {

struct TestCertificate {
  std::string certificate;  // In the form of PEM.
  std::string key;          // Likewise, without a passphrase.
};

// Whom a certificate is for.
struct TestSubject {
  std::vector<std::string> common_names = {};
  // As openssl.cnf(5) has them: "DNS:localhost,email:ada@example.org". "": none.
  std::string alternative_names = {};
};

TestCertificate MakeTestCertificate(const TestSubject& subject, absl::Duration lifetime = absl::Hours(24));

// An elliptic key (P-256), a certificate for this host and for 127.0.0.1. It is good from an hour ago until `lifetime`
// from now, which may be in the past.
TestCertificate MakeTestCertificate(absl::string_view host, absl::Duration lifetime = absl::Hours(24));

// Has servers of this context show the certificate.
void UseTestCertificate(SSL_CTX* context, const TestCertificate& certificate);

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_TEST_CERTIFICATE_H_
