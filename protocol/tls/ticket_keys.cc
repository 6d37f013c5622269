#include "protocol/tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>
#include <ctime>

namespace polyserve {

namespace {

// What OnTicket() returns; see the manual page.
constexpr int kFailed = -1;
constexpr int kUnknownKey = 0;
constexpr int kDone = 1;
constexpr int kDoneAndRenew = 2;

// OpenSSL leaves this slot of an object to the program (SSL_CTX_set_app_data(3)).
constexpr int kAppData = 0;

// A pseudo-random function of the secret: each label and period has bytes of its own.
void Derive(const uint8_t* secret, char label, int64_t period, uint8_t* bytes, size_t size) {
  uint8_t message[1 + sizeof(period)];
  message[0] = static_cast<uint8_t>(label);
  std::memcpy(message + 1, &period, sizeof(period));
  uint8_t digest[EVP_MAX_MD_SIZE];
  HMAC(EVP_sha256(), secret, TlsTicketKeys::kSecretBytes, message, sizeof(message), digest, nullptr);
  std::copy_n(digest, size, bytes);
  OPENSSL_cleanse(digest, sizeof(digest));
}

// OpenSSL computes the code itself, with what is set here.
bool SetMacKey(EVP_MAC_CTX* mac, uint8_t* key, size_t size) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, size),
                                   OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

// The first callback has no argument of its own, so the context carries the keys.
void TlsTicketKeys::Install(SSL_CTX* context) const {
  auto* self = const_cast<TlsTicketKeys*>(this);
  SSL_CTX_set_ex_data(context, kAppData, self);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &OnTicket);
  SSL_CTX_set_session_ticket_cb(context, nullptr, &OnOpened, self);
}

// Behind OnTicket(), with the session if that has opened it. Everything but the certificate is as without this call.
SSL_TICKET_RETURN TlsTicketKeys::OnOpened(SSL*, SSL_SESSION* session, const unsigned char*, size_t,
                                          SSL_TICKET_STATUS status, void* keys) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const X509* certificate = SSL_SESSION_get0_peer(session);
  if (certificate != nullptr && static_cast<const TlsTicketKeys*>(keys)->HasExpired(certificate)) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

// A date that cannot be read counts as one that has passed.
bool TlsTicketKeys::HasExpired(const X509* certificate) const {
  std::time_t now = absl::ToTimeT(now_());
  return X509_cmp_time(X509_get0_notAfter(certificate), &now) <= 0;
}

int TlsTicketKeys::OnTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                            int seals) {
  const auto* keys = static_cast<const TlsTicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), kAppData));
  if (seals == 1) return keys->Seal(name, iv, cipher, mac);
  const int opened = keys->Open(name, iv, cipher, mac);
  // Clients of TLS 1.3 use a ticket once (RFC 8446, appendix C.4), so they need another one.
  return opened == kDone && SSL_version(ssl) == TLS1_3_VERSION ? kDoneAndRenew : opened;
}

int64_t TlsTicketKeys::period() const { return absl::ToUnixSeconds(now_()) / absl::ToInt64Seconds(kPeriod); }

TlsTicketKeys::Key TlsTicketKeys::KeyOf(int64_t period) const {
  Key key = {};
  Derive(secret_, 'n', period, key.name, sizeof(key.name));
  Derive(secret_, 'a', period, key.aes, sizeof(key.aes));
  Derive(secret_, 'm', period, key.mac, sizeof(key.mac));
  return key;
}

int TlsTicketKeys::Seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const {
  Key key = KeyOf(period());
  std::copy_n(key.name, sizeof(key.name), name);
  const EVP_CIPHER* algorithm = EVP_aes_256_cbc();
  const bool is_set = RAND_bytes(iv, EVP_CIPHER_get_iv_length(algorithm)) == 1 &&
                      EVP_EncryptInit_ex(cipher, algorithm, nullptr, key.aes, iv) == 1 &&
                      SetMacKey(mac, key.mac, sizeof(key.mac));
  OPENSSL_cleanse(&key, sizeof(key));
  return is_set ? kDone : kFailed;
}

// The names are no secret, so a comparison that stops early tells nothing. A ticket of an unknown key is no error: the
// handshake goes on in full.
int TlsTicketKeys::Open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac) const {
  const int64_t now = period();
  for (const int64_t of : {now, now - 1}) {
    Key key = KeyOf(of);
    const bool is_this = std::memcmp(key.name, name, sizeof(key.name)) == 0;
    const bool is_set = is_this && EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes, iv) == 1 &&
                        SetMacKey(mac, key.mac, sizeof(key.mac));
    OPENSSL_cleanse(&key, sizeof(key));
    if (is_this) return !is_set ? kFailed : of == now ? kDone : kDoneAndRenew;
  }
  return kUnknownKey;
}

}  // namespace polyserve
