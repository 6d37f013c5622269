// proxy: an echo service behind a load balancer, which sends anything instead of a header. What comes behind a header
// comes back, however all of it is cut, and nothing else does.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "access/address_set.h"
#include "base/ip_address.h"
#include "base/logging.h"
#include "protocol/echo.h"
#include "protocol/proxy/header.h"
#include "protocol/proxy/session.h"
#include "tests/fuzz/any_cut.h"

namespace polyserve {

namespace {

constexpr absl::string_view kBalancer = "10.0.0.1";

std::shared_ptr<const ProxyTerms> Terms() {
  static const auto terms = std::make_shared<const ProxyTerms>(
      ProxyTerms{.balancers = *AddressSet::Parse(kBalancer), .timeout = absl::Seconds(20)});
  return terms;
}

// What a header means does not depend on how much of it had come before, nor on what follows, and an address that it
// names has one text.
void CheckHeader(absl::string_view bytes) {
  const ProxyHeader whole = ParseProxyHeader(bytes);
  if (whole.state != ProxyHeader::State::kComplete) return;
  CHECK(whole.size > 0 && whole.size <= bytes.size());
  for (size_t size = 1; size <= whole.size; ++size) {
    const ProxyHeader part = ParseProxyHeader(bytes.substr(0, size));
    CHECK(size < whole.size ? part.state == ProxyHeader::State::kIncomplete
                            : part.state == ProxyHeader::State::kComplete && part.size == whole.size);
  }
  if (!whole.client.has_value()) return;
  const std::optional<IpAddress> again = IpAddress::Parse(whole.client->address.ToString());
  CHECK(again.has_value() && *again == whole.client->address);
}

}  // namespace

}  // namespace polyserve

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  polyserve::CheckHeader(absl::string_view(reinterpret_cast<const char*>(data), size));
  const auto make_session = [] {
    auto session =
        std::make_unique<polyserve::ProxiedSession>(std::make_unique<polyserve::EchoSession>(), polyserve::Terms());
    session->OnPeer(polyserve::kBalancer);
    return session;
  };
  polyserve::CheckAnyCut(make_session, data, size, 16 + polyserve::ProxyHeader::kMaxBlockBytes);
  return 0;
}
