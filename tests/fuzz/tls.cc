// tls: an echo service over TLS. The first byte of the data says what the rest is: bytes that a peer sends instead of a
// handshake, or within one; what a client in good order says, which comes back however its records are cut, and then
// the same bytes once more, in the clear, which must end the connection; or what someone between the two changes in the
// client's records, of which nothing may come through that the client has not said. Records differ in each run, as keys
// do, so only plain text is compared.
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/logging.h"
#include "protocol/echo.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/tls/context.h"
#include "protocol/tls/session.h"
#include "protocol/tls/test_certificate.h"
#include "protocol/tls/test_client.h"
#include "protocol/tls/ticket_keys.h"

namespace polyserve {

namespace {

// One certificate for all runs.
std::shared_ptr<const TlsContext> SharedContext() {
  static constexpr uint8_t kSecret[TlsTicketKeys::kSecretBytes] = {};
  static const TlsTicketKeys* const keys = new TlsTicketKeys(kSecret);
  static const std::shared_ptr<const TlsContext> context = [] {
    const TestCertificate made = MakeTestCertificate("localhost");
    auto result = TlsContext::Make({.certificates = {"the certificate"}}, {made.certificate, made.key, ""}, *keys);
    CHECK(result.ok()) << result.status().message();
    return *std::move(result);
  }();
  return context;
}

// A server that is shown bytes, until it has had enough.
class EchoOverTls {
 public:
  // Returns what it sends.
  std::string Receive(absl::string_view bytes) {
    std::string sent;
    held_.append(bytes.data(), bytes.size());
    Input input(held_);
    bool needs_more = false;
    while (true) {
      for (iovec piece; output_.FrontMemory(&piece, 1) == 1;) {
        sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
        output_.Sent(static_cast<int64_t>(piece.iov_len));
      }
      if (output_.has_work()) {
        output_.TakeWork()(output_);
        continue;
      }
      if (output_.closing()) break;
      if (std::exchange(paused_, false)) {
        session_.OnResume(output_);
        paused_ = !output_.wants_more();
      } else if (!input.empty() && !needs_more) {
        const size_t before = input.bytes().size();
        session_.OnInput(input, output_);
        paused_ = !output_.wants_more();
        needs_more = input.bytes().size() == before;
      } else {
        break;
      }
    }
    held_ = std::string(input.bytes());
    return sent;
  }
  bool closed() const { return output_.closing(); }

 private:
  TlsSession session_{std::make_unique<EchoSession>(), SharedContext(), "", {.timeout = absl::Seconds(20)}};
  Output output_;
  std::string held_;  // What the session has not consumed.
  bool paused_ = false;
};

// In pieces of one byte, of a few, or whole.
void Show(EchoOverTls& server, TlsTestClient& client, size_t piece) {
  for (std::string records = client.TakeRecords(); !records.empty(); records = client.TakeRecords()) {
    for (absl::string_view left = records; !left.empty(); left.remove_prefix(std::min(piece, left.size()))) {
      client.Hear(server.Receive(left.substr(0, piece)));
    }
  }
}

void ShowInTheClear(absl::string_view bytes, size_t piece) {
  EchoOverTls server;
  while (!bytes.empty() && !server.closed()) {
    server.Receive(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
}

void ShowInGoodOrder(absl::string_view bytes, size_t piece, bool only_tls12) {
  EchoOverTls server;
  TlsTestClient client({.only_tls12 = only_tls12});
  client.Say(bytes);
  Show(server, client, piece);
  CHECK(client.is_open() && client.heard() == bytes) << "what was said does not come back: " << client.failure();
  CHECK(!server.closed());
  // Application data of this version, but no cipher could make these.
  std::string forged("\x17\x03\x03\x00\x20", 5);
  forged.append(bytes.data(), std::min<size_t>(bytes.size(), 32));
  forged.resize(5 + 32, 'x');
  server.Receive(forged);
  CHECK(server.closed()) << "a forged record is accepted";
}

// Each three bytes of `changes` are for one flight of the client: where in it (two bytes), and by which bits. So the
// bytes of a handshake are changed that OpenSSL parses, those that it has signed, and those of sealed records.
void ShowTampered(absl::string_view changes, size_t piece, bool only_tls12) {
  constexpr absl::string_view kSaid = "hello";
  EchoOverTls server;
  TlsTestClient client({.only_tls12 = only_tls12});
  client.Say(kSaid);
  for (std::string records = client.TakeRecords(); !records.empty() && !server.closed();
       records = client.TakeRecords()) {
    if (changes.size() >= 3) {
      const size_t at = static_cast<size_t>(static_cast<uint8_t>(changes[0])) << 8 | static_cast<uint8_t>(changes[1]);
      char& byte = records[at % records.size()];
      byte = static_cast<char>(byte ^ changes[2]);
      changes.remove_prefix(3);
    }
    for (absl::string_view left = records; !left.empty(); left.remove_prefix(std::min(piece, left.size()))) {
      client.Hear(server.Receive(left.substr(0, piece)));
    }
  }
  CHECK(absl::StartsWith(kSaid, client.heard())) << "the server echoes what was never said: " << client.heard();
}

}  // namespace

}  // namespace polyserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const absl::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t piece = (data[0] & 0x0c) == 0 ? 1 : (data[0] & 0x0c) == 4 ? 7 : SIZE_MAX;
  if ((data[0] & 0x10) != 0) {
    polyserve::ShowTampered(rest, piece, (data[0] & 2) != 0);
  } else if ((data[0] & 1) == 0) {
    polyserve::ShowInTheClear(rest, piece);
  } else {
    polyserve::ShowInGoodOrder(rest, piece, (data[0] & 2) != 0);
  }
  return 0;
}
