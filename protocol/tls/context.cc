#include "protocol/tls/context.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/logging.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"

namespace polyserve {

namespace {

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using UniqueBio = std::unique_ptr<BIO, Deleter<&BIO_free>>;
using UniqueX509 = std::unique_ptr<X509, Deleter<&X509_free>>;
using UniqueKey = std::unique_ptr<EVP_PKEY, Deleter<&EVP_PKEY_free>>;
struct FreeChain {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, &X509_free); }
};
using UniqueChain = std::unique_ptr<STACK_OF(X509), FreeChain>;

// Those of Mozilla's "intermediate" without DHE, whose handshake costs the server far more than ECDHE. All are strong,
// so the client chooses: it knows whether its processor has instructions for AES. Those of TLS 1.3 are OpenSSL's own.
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kGroups[] = "X25519:P-256:P-384";

// Several times as large as a bundle of all the authorities that Debian knows.
constexpr size_t kMaxFileBytes = 1024 * 1024;

// OpenSSL leaves this slot of an object to the program (SSL_set_app_data(3)).
constexpr int kAppData = 0;

// The first reason in OpenSSL's queue, which names the cause; those behind it, the callers of that.
std::string TakeReason() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason == nullptr ? "no reason is known" : reason;
}

absl::Status Error(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

UniqueBio BioOf(const std::string& text) {
  ERR_clear_error();
  return UniqueBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Called for a key that is encrypted. Without it OpenSSL would ask at the terminal, which a server does not have.
int RefusePassphrase(char*, int, int, void*) { return -1; }

absl::StatusOr<UniqueKey> ParseKey(const std::string& path, const std::string& text) {
  UniqueKey key(PEM_read_bio_PrivateKey(BioOf(text).get(), nullptr, &RefusePassphrase, nullptr));
  if (key != nullptr) return key;
  return Error(path, absl::StrCat("no private key without a passphrase, in the form of PEM (", TakeReason(), ")"));
}

// All certificates of a file, at least one.
absl::StatusOr<std::vector<UniqueX509>> ParseCertificates(const std::string& path, const std::string& text) {
  const UniqueBio bio = BioOf(text);
  std::vector<UniqueX509> certificates;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) certificates.emplace_back(next);
  // The end of the text counts as an error of its own; anything else is one.
  const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = TakeReason();
  if (is_end && !certificates.empty()) return certificates;
  return Error(path, absl::StrCat("no certificate in the form of PEM (", reason, ")"));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd.ok()) return SysError("open", path);
  std::string text;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t count = ::read(fd.get(), buffer, sizeof(buffer));
    if (count < 0) return SysError("read", path);
    if (count == 0) return text;
    text.append(buffer, static_cast<size_t>(count));
    if (text.size() > kMaxFileBytes) return Error(path, "larger than 1 MiB");
  }
}

}  // namespace

struct TlsContext::Certificate {
  std::string path;
  UniqueX509 certificate;
  UniqueKey key;
  UniqueChain chain;

  bool IsFor(const char* host) const { return X509_check_host(certificate.get(), host, 0, 0, nullptr) == 1; }
};

TlsContext::TlsContext() : context_(SSL_CTX_new(TLS_server_method())) {
  CHECK(context_ != nullptr) << "OpenSSL cannot be used: " << TakeReason();
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

absl::StatusOr<std::vector<std::string>> ReadTlsFiles(const TlsFiles& files) {
  std::vector<std::string> paths;
  for (size_t i = 0; i < files.certificates.size(); ++i) {
    paths.push_back(files.certificates[i]);
    paths.push_back(files.keys.empty() ? files.certificates[i] : files.keys[i]);
  }
  std::vector<std::string> texts;
  for (const std::string& path : paths) {
    absl::StatusOr<std::string> text = ReadFile(path);
    if (!text.ok()) return text.status();
    texts.push_back(*std::move(text));
  }
  texts.emplace_back();
  if (files.client_ca.empty()) return texts;
  absl::StatusOr<std::string> authorities = ReadFile(files.client_ca);
  if (!authorities.ok()) return authorities.status();
  texts.back() = *std::move(authorities);
  return texts;
}

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Make(const TlsFiles& files,
                                                                   const std::vector<std::string>& texts,
                                                                   const TlsTicketKeys& ticket_keys) {
  if (texts.size() != 2 * files.certificates.size() + 1) return absl::InvalidArgumentError("a text is missing");
  std::shared_ptr<TlsContext> context(new TlsContext());
  absl::Status status = context->Configure();
  for (size_t i = 0; i < files.certificates.size() && status.ok(); ++i) {
    const std::string& path = files.certificates[i];
    const std::string& key_path = files.keys.empty() ? path : files.keys[i];
    status = context->AddCertificate({path, texts[2 * i]}, {key_path, texts[2 * i + 1]});
  }
  if (status.ok() && !files.client_ca.empty()) {
    status = context->AskForClientCertificates({files.client_ca, texts.back()}, files.client_may_have_none);
  }
  if (!status.ok()) return status;
  ticket_keys.Install(context->context_);
  // With one certificate there is nothing to choose.
  if (context->certificates_.size() > 1) SSL_CTX_set_cert_cb(context->context_, &OnCertificate, context.get());
  return context;
}

// A clock that is wrong must not keep a server from starting, so this is no error.
void TlsContext::WarnOfDates() const {
  for (const Certificate& one : certificates_) {
    if (X509_cmp_current_time(X509_get0_notAfter(one.certificate.get())) < 0) {
      LOG_FLOOD(WARNING) << one.path << ": the certificate has expired";
    } else if (X509_cmp_current_time(X509_get0_notBefore(one.certificate.get())) > 0) {
      LOG_FLOOD(WARNING) << one.path << ": the certificate is not valid yet";
    }
  }
}

// No cache of sessions: each process would have one of its own, and tickets do better. SSL_MODE_RELEASE_BUFFERS: an
// idle connection holds no buffers, which take 34 KiB.
absl::Status TlsContext::Configure() {
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(context_, &OnAlpn, nullptr);
  const bool is_set = SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION) == 1 &&
                      SSL_CTX_set_cipher_list(context_, kCiphers) == 1 &&
                      SSL_CTX_set1_groups_list(context_, kGroups) == 1;
  return is_set ? absl::OkStatus() : absl::InternalError(absl::StrCat("OpenSSL refuses its settings: ", TakeReason()));
}

absl::Status TlsContext::AddCertificate(const Pem& certificate, const Pem& key) {
  absl::StatusOr<std::vector<UniqueX509>> parsed = ParseCertificates(certificate.path, certificate.text);
  if (!parsed.ok()) return parsed.status();
  absl::StatusOr<UniqueKey> parsed_key = ParseKey(key.path, key.text);
  if (!parsed_key.ok()) return parsed_key.status();
  Certificate one{certificate.path, std::move(parsed->front()), *std::move(parsed_key),
                  UniqueChain(sk_X509_new_null())};
  for (size_t i = 1; i < parsed->size(); ++i) sk_X509_push(one.chain.get(), (*parsed)[i].release());
  if (X509_check_private_key(one.certificate.get(), one.key.get()) != 1) {
    ERR_clear_error();
    return Error(key.path, absl::StrCat("the key is not that of the certificate in ", certificate.path));
  }
  if (certificates_.empty() &&
      SSL_CTX_use_cert_and_key(context_, one.certificate.get(), one.key.get(), one.chain.get(), /*override=*/1) != 1) {
    return Error(certificate.path, TakeReason());
  }
  certificates_.push_back(std::move(one));
  return absl::OkStatus();
}

// A ticket stands for the certificate that its client has shown. So it names the authorities of its time, and is no
// longer good once those have changed.
absl::Status TlsContext::AskForClientCertificates(const Pem& authorities, bool client_may_have_none) {
  absl::StatusOr<std::vector<UniqueX509>> parsed = ParseCertificates(authorities.path, authorities.text);
  if (!parsed.ok()) return parsed.status();
  for (const UniqueX509& authority : *parsed) {
    // The first list is for the check, the second tells clients which of their certificates to show.
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context_, authority.get()) != 1) {
      return Error(authorities.path, TakeReason());
    }
  }
  const int if_none = client_may_have_none ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | if_none, nullptr);
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(authorities.text.data()), authorities.text.size(), digest);
  SSL_CTX_set_session_id_context(context_, digest, sizeof(digest));
  return absl::OkStatus();
}

SSL* TlsContext::NewConnection(const absl::string_view* alpn) const {
  SSL* ssl = SSL_new(context_);
  CHECK(ssl != nullptr) << "OpenSSL has no memory";
  SSL_set_ex_data(ssl, kAppData, const_cast<absl::string_view*>(alpn));
  SSL_set_accept_state(ssl);
  return ssl;
}

// All certificates for the host that the client names, one for each kind of key: the client may know only one kind. The
// default stays if no certificate is for the host: then the client decides (RFC 6066, section 3, leaves that open).
int TlsContext::OnCertificate(SSL* ssl, void* context) {
  const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host == nullptr) return 1;
  bool has_one = false;
  for (const Certificate& one : static_cast<const TlsContext*>(context)->certificates_) {
    if (!one.IsFor(host)) continue;
    if (!has_one) SSL_certs_clear(ssl);
    has_one = true;
    // Fails if there is one for this kind of key already: the first one stays.
    SSL_use_cert_and_key(ssl, one.certificate.get(), one.key.get(), one.chain.get(), /*override=*/0);
  }
  ERR_clear_error();
  return 1;
}

// A client that asks for protocols, none of which is spoken here, has been led to the wrong port, perhaps by an
// attacker: a certificate is the same for all services of a host (ALPACA, alpaca-attack.com).
int TlsContext::OnAlpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                       unsigned int offered_size, void*) {
  const auto& alpn = *static_cast<const absl::string_view*>(SSL_get_ex_data(ssl, kAppData));
  if (alpn.empty()) return SSL_TLSEXT_ERR_ALERT_FATAL;
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, chosen_size, reinterpret_cast<const unsigned char*>(alpn.data()),
                                           static_cast<unsigned int>(alpn.size()), offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace polyserve
