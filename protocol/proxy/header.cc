#include "protocol/proxy/header.h"

#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/ip_address.h"

namespace polyserve {

namespace {

constexpr absl::string_view kLineStart = "PROXY ";
constexpr absl::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// Of version 2: the signature, version and command, family and transport, length.
constexpr size_t kFixedBytes = 16;
constexpr uint8_t kVersion = 2;
constexpr uint8_t kLocal = 0;
constexpr uint8_t kProxy = 1;
constexpr uint8_t kTcpOverIpv4 = 0x11;
constexpr uint8_t kTcpOverIpv6 = 0x21;
constexpr uint8_t kLastFamily = 3;
constexpr uint8_t kLastTransport = 2;

ProxyHeader Incomplete() { return {.state = ProxyHeader::State::kIncomplete}; }

ProxyHeader Malformed(absl::string_view fault) { return {.state = ProxyHeader::State::kMalformed, .fault = fault}; }

ProxyHeader Complete(size_t size, std::optional<AddressPort> client) {
  return {.state = ProxyHeader::State::kComplete, .size = size, .client = client};
}

// Whether they begin with this, as far as they have come.
bool MayBeginWith(absl::string_view start, absl::string_view bytes) {
  return absl::StartsWith(start, bytes.substr(0, start.size()));
}

// Decimal, without zeroes in front.
std::optional<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port = 0;
  if (!absl::c_all_of(text, absl::ascii_isdigit) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  if (!absl::SimpleAtoi(text, &port) || port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

std::optional<IpAddress> ParseOfFamily(absl::string_view text, bool is_v6) {
  return absl::StrContains(text, ':') == is_v6 ? IpAddress::Parse(text) : std::nullopt;
}

// "PROXY", family, source and destination, their ports.
ProxyHeader ParseFields(absl::string_view line, size_t size) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
  if (fields[1] == "UNKNOWN") return Complete(size, std::nullopt);
  const bool is_v6 = fields[1] == "TCP6";
  if (!is_v6 && fields[1] != "TCP4") return Malformed("it is neither for TCP4 nor for TCP6, nor UNKNOWN");
  if (fields.size() != 6) return Malformed("it has not two addresses and two ports");
  const std::optional<IpAddress> source = ParseOfFamily(fields[2], is_v6);
  if (!source.has_value() || !ParseOfFamily(fields[3], is_v6).has_value()) return Malformed("an address is malformed");
  const std::optional<uint16_t> port = ParsePort(fields[4]);
  if (!port.has_value() || !ParsePort(fields[5]).has_value()) return Malformed("a port is malformed");
  return Complete(size, AddressPort{*source, *port});
}

ProxyHeader ParseLine(absl::string_view bytes) {
  const absl::string_view seen = bytes.substr(0, ProxyHeader::kMaxLineBytes);
  const size_t end = seen.find('\n');
  if (end == absl::string_view::npos) {
    return seen.size() < ProxyHeader::kMaxLineBytes ? Incomplete() : Malformed("its line is too long");
  }
  if (bytes[end - 1] != '\r') return Malformed("its line does not end with CR and LF");
  return ParseFields(bytes.substr(0, end - 1), end + 1);
}

uint8_t ByteAt(absl::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

uint16_t NumberAt(absl::string_view bytes, size_t at) {
  return static_cast<uint16_t>(ByteAt(bytes, at) << 8 | ByteAt(bytes, at + 1));
}

// Source and destination come first, then their ports. `block` is complete.
AddressPort SourceIn(absl::string_view block, size_t address_bytes) {
  return {IpAddress::FromBytes(block.substr(0, address_bytes)), NumberAt(block, 2 * address_bytes)};
}

// With LOCAL, family and addresses mean nothing (section 2.2).
ProxyHeader ParseBlock(absl::string_view bytes) {
  if (bytes.size() <= kSignature.size()) return Incomplete();
  const uint8_t command = ByteAt(bytes, 12) & 0x0f;
  if (ByteAt(bytes, 12) >> 4 != kVersion) return Malformed("its version is not 2");
  if (command != kLocal && command != kProxy) return Malformed("its command is neither LOCAL nor PROXY");
  if (bytes.size() < kFixedBytes) return Incomplete();
  const uint8_t family = ByteAt(bytes, 13);
  if (command == kProxy && (family >> 4 > kLastFamily || (family & 0x0f) > kLastTransport)) {
    return Malformed("its family is unknown");
  }
  const size_t address_bytes = command == kLocal        ? 0
                               : family == kTcpOverIpv4 ? IpAddress::kV4Bytes
                               : family == kTcpOverIpv6 ? IpAddress::kV6Bytes
                                                        : 0;
  const size_t length = NumberAt(bytes, 14);
  if (length > ProxyHeader::kMaxBlockBytes) return Malformed("it is too long");
  if (address_bytes > 0 && length < 2 * address_bytes + 4) return Malformed("it is too short for its addresses");
  if (bytes.size() < kFixedBytes + length) return Incomplete();
  if (address_bytes == 0) return Complete(kFixedBytes + length, std::nullopt);
  return Complete(kFixedBytes + length, SourceIn(bytes.substr(kFixedBytes, length), address_bytes));
}

}  // namespace

ProxyHeader ParseProxyHeader(absl::string_view bytes) {
  if (MayBeginWith(kLineStart, bytes)) return bytes.size() < kLineStart.size() ? Incomplete() : ParseLine(bytes);
  if (MayBeginWith(kSignature, bytes)) return ParseBlock(bytes);
  return Malformed("it does not begin as one");
}

}  // namespace polyserve
