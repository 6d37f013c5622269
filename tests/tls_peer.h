// TlsPeer: a Peer that speaks TLS.
//
//   TlsPeer peer(server.address("echo+tls"));
//   peer.Send("hello");
//   EXPECT_EQ(peer.Read(5), "hello");
//
// A call gives up as those of Peer do. One thread at a time.
#ifndef POLYSERVE_TESTS_TLS_PEER_H_
#define POLYSERVE_TESTS_TLS_PEER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/tls/test_client.h"
#include "tests/peer.h"

namespace polyserve {

class TlsPeer {
 public:
  // Connects to "HOST:PORT", and opens the connection: look at is_open().
  // `before_tls`: sent first, in the clear.
  explicit TlsPeer(const std::string& address, const TlsTestClient::Options& options = {},
                   absl::string_view before_tls = "");

  bool is_open() const { return tls_.is_open(); }
  // What has become of the connection, and why it has failed.
  const TlsTestClient& tls() const { return tls_; }

  void Send(absl::string_view plain);
  // Says that it sends no more (close_notify); what the server sends can still be read.
  void SendEnd();
  // Returns `count` bytes of plain text; fewer if the server ends the connection first.
  std::string Read(size_t count);
  std::string ReadLine();
  // Returns all that comes until the server ends the connection; tls().has_heard_end() says whether in good order.
  std::string ReadToEnd();

 private:
  bool ReadRecord();  // False: none comes.
  std::string Take(size_t count);

  Peer peer_;
  TlsTestClient tls_;
  size_t taken_ = 0;  // Of what tls_ has heard.
};

}  // namespace polyserve

#endif  // POLYSERVE_TESTS_TLS_PEER_H_
