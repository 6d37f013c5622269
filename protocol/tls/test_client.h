// TlsTestClient: the client's end of a TLS connection, in memory, by OpenSSL: for tests, which carry the records.
//
//   TlsTestClient client({.trusts = certificate.certificate});
//   client.Say("hello");                        as soon as the handshake is done
//   while (...) client.Hear(from_server(client.TakeRecords()));
//   EXPECT_EQ(client.heard(), "hello");
#ifndef POLYSERVE_PROTOCOL_TLS_TEST_CLIENT_H_
#define POLYSERVE_PROTOCOL_TLS_TEST_CLIENT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace polyserve {

// One thread.
class TlsTestClient {
 public:
  struct Options {
    std::string trusts = {};         // A certificate (PEM); empty: whatever the server shows.
    std::string host = "localhost";  // What the server is asked for (SNI); empty: nothing.
    std::string alpn = {};           // In its form on the wire.
    std::string certificate = {};    // Its own (PEM), with `key`.
    std::string key = {};
    bool only_tls12 = false;
    bool only_tls11 = false;
    std::shared_ptr<SSL_SESSION> session = nullptr;  // To be resumed; see session() of another client.
  };

  explicit TlsTestClient(const Options& options);
  ~TlsTestClient();
  TlsTestClient(const TlsTestClient&) = delete;
  TlsTestClient& operator=(const TlsTestClient&) = delete;

  // Says this once the handshake is done.
  void Say(absl::string_view plain);
  // Says that it will say no more (close_notify); at once.
  void SayEnd();
  // Takes records of the server, cut anywhere.
  void Hear(absl::string_view records);
  // The records that it has for the server; the first ones begin the handshake.
  std::string TakeRecords();

  bool is_open() const;                                // The handshake is done.
  const std::string& heard() const { return heard_; }  // All plain text so far.
  bool has_heard_end() const { return has_heard_end_; }
  // Why it has failed, as "ssl/tls alert handshake failure"; "" if it has not.
  const std::string& failure() const { return failure_; }

  bool was_resumed() const;
  std::string version() const;                   // "TLSv1.3"
  std::string alpn() const;                      // What the server has chosen; "" for nothing.
  std::string server_name() const;               // The common name in the server's certificate.
  std::shared_ptr<SSL_SESSION> session() const;  // With the ticket that came last.
  // Whether that is another ticket than this session's.
  bool has_new_ticket(const SSL_SESSION& session) const;

 private:
  static SSL_CTX* MakeContext(const Options& options);
  void Advance();

  SSL_CTX* const context_;
  SSL* const ssl_;
  std::string to_say_;
  std::string heard_;
  bool has_heard_end_ = false;
  std::string failure_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_TLS_TEST_CLIENT_H_
