// ServerAddress: where a server is, and the name by which the user knows it, which its certificate has to have.
#ifndef POLYSERVE_CLIENT_SERVER_ADDRESS_H_
#define POLYSERVE_CLIENT_SERVER_ADDRESS_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "net/endpoint.h"

namespace polyserve {

// A value. Only Parse() may block, in the resolver.
struct ServerAddress {
  ServerAddress() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): an endpoint is as good as an address that was parsed.
  ServerAddress(const Endpoint& only) : at(only), host(only.Host()) {}

  // Takes "HOST:PORT". Errors: those of Endpoints::Parse().
  static absl::StatusOr<ServerAddress> Parse(absl::string_view text) {
    absl::StatusOr<Endpoints> found = Endpoints::Parse(text);
    if (!found.ok()) return found.status();
    ServerAddress address;
    address.at = *std::move(found);
    absl::string_view host = text.substr(0, text.rfind(':'));
    if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
    address.host = std::string(host);
    return address;
  }

  std::string ToString() const { return at.ToString(); }

  Endpoints at;      // To be tried in this order.
  std::string host;  // Without brackets: "localhost", "127.0.0.1", "::1".
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_SERVER_ADDRESS_H_
