// Headers of the PROXY protocol, for tests.
#ifndef POLYSERVE_PROTOCOL_PROXY_TEST_HEADERS_H_
#define POLYSERVE_PROTOCOL_PROXY_TEST_HEADERS_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace polyserve {

// Of version 2, with this version and command, family and transport, and what follows the length.
inline std::string ProxyHeaderV2(char command, char family, absl::string_view block) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  const auto length = static_cast<uint16_t>(block.size());
  header += {command, family, static_cast<char>(length >> 8), static_cast<char>(length & 0xff)};
  return absl::StrCat(header, block);
}

// The block of addresses of 192.0.2.7:4711, connected to 198.51.100.1:80.
inline std::string ProxyBlockOfIpv4() { return {"\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x00\x50", 12}; }

// For that client, in both versions.
inline std::string ProxyHeaderV1() { return "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n"; }
inline std::string ProxyHeaderV2() { return ProxyHeaderV2('\x21', '\x11', ProxyBlockOfIpv4()); }

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_PROXY_TEST_HEADERS_H_
