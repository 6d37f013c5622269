// relay: lines. The server that is asked answers at once, with the line.
#include "protocol/relay.h"

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/ip_address.h"
#include "protocol/relay_targets.h"
#include "tests/fuzz/any_cut.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto targets = std::make_shared<const polyserve::RelayTargets>(
      polyserve::RelayTargets{.all = {{"localhost:7", {*polyserve::IpAddress::Parse("127.0.0.1"), 7}},
                                      {"[::1]:7", {*polyserve::IpAddress::Parse("::1"), 7}}}});
  polyserve::CheckAnyCut([] { return std::make_unique<polyserve::RelaySession>(targets); }, data, size,
                         polyserve::RelaySession::kMaxLineBytes);
  return 0;
}
