// TlsTicketKeys: the keys of session tickets (RFC 5077; RFC 8446, section 4.6.1), with which a client resumes its TLS
// session on any thread and in any process of the server, without a full handshake. Nothing is stored for a client, and
// no process tells another one about a key: each key follows from a secret that all of them share, and from the time.
//
//   time     ──┬─ period n-1 ──┬─ period n ──┬──▶
//   seals      │  key n-1      │  key n      │        a new ticket
//   opens      │  n-2, n-1     │  n-1, n     │        tickets of clients that come back; with the older key, and in
//                                                     TLS 1.3, the client gets a new ticket
//
// A client that has shown a certificate is not asked for it again by the connections that resume its session. So a
// session ends with the certificate: from then on the client has to shake hands in full.
//
// Whoever reads the memory of the running server can open its tickets, those of earlier periods too. In TLS 1.3 that
// tells nothing of what was said, since each resumption agrees on new keys (psk_dhe_ke); in TLS 1.2 it does.
#ifndef POLYSERVE_PROTOCOL_TLS_TICKET_KEYS_H_
#define POLYSERVE_PROTOCOL_TLS_TICKET_KEYS_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace polyserve {

// Constant, apart from the time: any thread may call it, and nothing blocks.
class TlsTicketKeys {
 public:
  static constexpr size_t kSecretBytes = 32;
  // Longer than a ticket is good for (two hours, OpenSSL's default), so two keys are enough.
  static constexpr absl::Duration kPeriod = absl::Hours(12);

  // `secret`: kSecretBytes random bytes, the same in all processes of the server. Not copied, so it must outlive this
  // object, and may change until the first ticket. `now` is for tests.
  explicit TlsTicketKeys(const uint8_t* secret, std::function<absl::Time()> now = &absl::Now)
      : secret_(secret), now_(std::move(now)) {}

  // Has connections of this context seal and open their tickets with these keys, which must outlive it.
  void Install(SSL_CTX* context) const;

 private:
  struct Key {
    uint8_t name[16];  // In the ticket, in the clear.
    uint8_t aes[32];
    uint8_t mac[32];
  };

  // OpenSSL's callbacks: SSL_CTX_set_tlsext_ticket_key_evp_cb(3), SSL_CTX_set_session_ticket_cb(3).
  static int OnTicket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                      int seals);
  static SSL_TICKET_RETURN OnOpened(SSL* ssl, SSL_SESSION* session, const unsigned char* name, size_t name_size,
                                    SSL_TICKET_STATUS status, void* keys);
  bool HasExpired(const X509* certificate) const;
  int64_t period() const;
  Key KeyOf(int64_t period) const;
  int Seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const;
  int Open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const;

  const uint8_t* const secret_;
  const std::function<absl::Time()> now_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_TICKET_KEYS_H_
