// TlsContext: what all TLS connections of a server have in common: certificates, versions, ciphers. As Mozilla's
// "intermediate" configuration asks for (wiki.mozilla.org/Security/Server_Side_TLS), but without DHE: TLS 1.2 and 1.3,
// and only ciphers with forward secrecy and authentication of what they encrypt. Renegotiation, compression and early
// data (which could be replayed) are off.
//
//   texts = ReadTlsFiles({.certificates = {"cert.pem"}, .keys = {"key.pem"}})
//   context = TlsContext::Make(files, texts, ticket_keys)
//   SSL* connection = context->NewConnection(&alpn)
#ifndef POLYSERVE_PROTOCOL_TLS_CONTEXT_H_
#define POLYSERVE_PROTOCOL_TLS_CONTEXT_H_

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/tls/ticket_keys.h"

namespace polyserve {

// Paths of PEM files, and what they are for.
struct TlsFiles {
  // Each a certificate, and behind it those that lead to a root. The first one is for clients that name no host, or one
  // that no certificate is for.
  std::vector<std::string> certificates = {};
  // The private key of each, without a passphrase. As many, or none: then it is in the file of the certificate.
  std::vector<std::string> keys = {};
  // The authorities whose certificates clients must show; empty: they need none.
  std::string client_ca = {};
  // With client_ca: a client may also show none, and is nobody then. A certificate that it shows must be good.
  bool client_may_have_none = false;
};

// What is in the files: each certificate, and behind it its key; at the end the authorities, "" if there are none. May
// block. Returns an error that names the file if one cannot be read.
absl::StatusOr<std::vector<std::string>> ReadTlsFiles(const TlsFiles& files);

// Constant once it is made: any thread may use it.
class TlsContext {
 public:
  // Returns InvalidArgument, with a text that names the file, if one is malformed, or if a key does not belong to its
  // certificate; one that has expired is no error. `texts` are those of ReadTlsFiles() for these files; `ticket_keys`
  // must outlive all connections.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Make(const TlsFiles& files,
                                                                const std::vector<std::string>& texts,
                                                                const TlsTicketKeys& ticket_keys);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // Logs each certificate that has expired, or is not valid yet. Clients may accept it all the same.
  void WarnOfDates() const;

  // A connection in the role of the server, for the caller to free. This object must outlive it. `alpn` is that of
  // TlsChannel, and must outlive it as well.
  SSL* NewConnection(const absl::string_view* alpn) const;

 private:
  struct Certificate;  // With its key and its chain.
  struct Pem {         // A file, and what is in it.
    const std::string& path;
    const std::string& text;
  };

  TlsContext();
  absl::Status Configure();
  absl::Status AddCertificate(const Pem& certificate, const Pem& key);
  absl::Status AskForClientCertificates(const Pem& authorities, bool client_may_have_none);
  // OpenSSL's callbacks: SSL_CTX_set_cert_cb(3), SSL_CTX_set_alpn_select_cb(3).
  static int OnCertificate(SSL* ssl, void* context);
  static int OnAlpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                    unsigned int offered_size, void* context);

  SSL_CTX* const context_;
  std::vector<Certificate> certificates_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_CONTEXT_H_
