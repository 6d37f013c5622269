#include "protocol/proxy/header.h"

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/proxy/test_headers.h"

namespace polyserve {

namespace {

using State = ProxyHeader::State;

constexpr char kLocal = '\x20';
constexpr char kProxy = '\x21';

// "192.0.2.7:4711", "itself", "incomplete", or why it is malformed.
std::string Meaning(absl::string_view bytes) {
  const ProxyHeader header = ParseProxyHeader(bytes);
  if (header.state == State::kIncomplete) return "incomplete";
  if (header.state == State::kMalformed) return std::string(header.fault);
  return header.client.has_value() ? header.client->ToString() : "itself";
}

bool IsMalformed(absl::string_view bytes) { return ParseProxyHeader(bytes).state == State::kMalformed; }

// Whatever follows, and however much of it has come, the header ends where it ends.
void ExpectComplete(const std::string& header, absl::string_view meaning) {
  for (size_t size = 1; size < header.size(); ++size) {
    EXPECT_EQ(Meaning(absl::string_view(header).substr(0, size)), "incomplete") << size << " bytes";
  }
  for (const absl::string_view rest : {"", "x", "PROXY TCP4 ", "\r\n"}) {
    const std::string bytes = absl::StrCat(header, rest);
    EXPECT_EQ(Meaning(bytes), meaning);
    EXPECT_EQ(ParseProxyHeader(bytes).size, header.size());
  }
}

TEST(ProxyHeaderTest, LineNamesTheClient) {
  ExpectComplete(ProxyHeaderV1(), "192.0.2.7:4711");
  ExpectComplete("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535");
  ExpectComplete("PROXY TCP6 2001:DB8::7 2001:db8::1 0 443\r\n", "[2001:db8::7]:0");
  ExpectComplete("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 443\r\n", "192.0.2.7:1");
}

TEST(ProxyHeaderTest, LineMayNameNobody) {
  ExpectComplete("PROXY UNKNOWN\r\n", "itself");
  ExpectComplete("PROXY UNKNOWN 192.0.2.7 anything  at all\r\n", "itself");
  ExpectComplete(absl::StrCat("PROXY UNKNOWN ", std::string(91, 'f'), "\r\n"), "itself");  // The longest.
}

TEST(ProxyHeaderTest, LineThatIsNotExactlyOneIsMalformed) {
  for (const absl::string_view line : {
           "PROXY \r\n",
           "PROXY TCP4\r\n",
           "PROXY UNKNOWNS\r\n",
           "PROXY tcp4 192.0.2.7 198.51.100.1 4711 80\r\n",
           "PROXY UDP4 192.0.2.7 198.51.100.1 4711 80\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80 \r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80 1\r\n",
           "PROXY TCP4  192.0.2.7 198.51.100.1 4711 80\r\n",
           "PROXY TCP4 192.0.2.256 198.51.100.1 4711 80\r\n",
           "PROXY TCP4 192.0.2.07 198.51.100.1 4711 80\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100 4711 80\r\n",
           "PROXY TCP4 2001:db8::7 2001:db8::1 4711 80\r\n",
           "PROXY TCP6 192.0.2.7 198.51.100.1 4711 80\r\n",
           "PROXY TCP6 2001:db8::7 198.51.100.1 4711 80\r\n",
           "PROXY TCP6 2001:db8::7%lo 2001:db8::1 4711 80\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 65536 80\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 04711 80\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 +4711 80\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711\t 80\r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711 \r\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\n",
           "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\r\n",
           "PROXY UNKNOWN\n",
       }) {
    EXPECT_TRUE(IsMalformed(line)) << line << " means " << Meaning(line);
  }
}

TEST(ProxyHeaderTest, LineThatIsTooLongIsMalformedBeforeItEnds) {
  const std::string start = absl::StrCat("PROXY UNKNOWN ", std::string(92, 'f'));
  EXPECT_EQ(Meaning(start), "incomplete");
  EXPECT_EQ(Meaning(absl::StrCat(start, "\r")), "its line is too long");
}

TEST(ProxyHeaderTest, BlockNamesTheClient) {
  ExpectComplete(ProxyHeaderV2(), "192.0.2.7:4711");
  const std::string v6 =
      absl::StrCat("\x20\x01\x0d\xb8", std::string(11, '\0'), "\x07", std::string(16, '\x01'), "\x12\x67\x01\xbb");
  ExpectComplete(ProxyHeaderV2(kProxy, '\x21', v6), "[2001:db8::7]:4711");
}

TEST(ProxyHeaderTest, FurtherFieldsOfABlockAreSkipped) {
  const std::string name = absl::StrCat(std::string("\x02\x00\x0b", 3), "example.org");
  ExpectComplete(ProxyHeaderV2(kProxy, '\x11', ProxyBlockOfIpv4() + name), "192.0.2.7:4711");
  const std::string much(ProxyHeader::kMaxBlockBytes - ProxyBlockOfIpv4().size(), '\x04');
  EXPECT_EQ(Meaning(ProxyHeaderV2(kProxy, '\x11', ProxyBlockOfIpv4() + much)), "192.0.2.7:4711");
}

TEST(ProxyHeaderTest, BlockMayNameNobody) {
  ExpectComplete(ProxyHeaderV2(kLocal, '\0', ""), "itself");
  // What a LOCAL block has behind its length means nothing.
  ExpectComplete(ProxyHeaderV2(kLocal, '\x11', ProxyBlockOfIpv4()), "itself");
  ExpectComplete(ProxyHeaderV2(kLocal, '\xff', "anything"), "itself");
  ExpectComplete(ProxyHeaderV2(kProxy, '\0', ""), "itself");
  ExpectComplete(ProxyHeaderV2(kProxy, '\x12', ProxyBlockOfIpv4()), "itself");     // UDP.
  ExpectComplete(ProxyHeaderV2(kProxy, '\x31', std::string(216, 'a')), "itself");  // A socket of Unix.
}

TEST(ProxyHeaderTest, BlockThatIsNotOneIsMalformed) {
  EXPECT_EQ(Meaning(ProxyHeaderV2('\x11', '\x11', ProxyBlockOfIpv4())), "its version is not 2");
  EXPECT_EQ(Meaning(ProxyHeaderV2('\x22', '\x11', ProxyBlockOfIpv4())), "its command is neither LOCAL nor PROXY");
  EXPECT_EQ(Meaning(ProxyHeaderV2(kProxy, '\x41', ProxyBlockOfIpv4())), "its family is unknown");
  EXPECT_EQ(Meaning(ProxyHeaderV2(kProxy, '\x13', ProxyBlockOfIpv4())), "its family is unknown");
  EXPECT_EQ(Meaning(ProxyHeaderV2(kProxy, '\x11', ProxyBlockOfIpv4().substr(1))), "it is too short for its addresses");
  EXPECT_EQ(Meaning(ProxyHeaderV2(kProxy, '\x21', std::string(35, 'a'))), "it is too short for its addresses");
}

// Before the rest of it has come.
TEST(ProxyHeaderTest, BlockThatIsTooLongIsMalformedAtItsLength) {
  const std::string header = ProxyHeaderV2(kProxy, '\x11', std::string(ProxyHeader::kMaxBlockBytes + 1, 'a'));
  EXPECT_EQ(Meaning(absl::string_view(header).substr(0, 15)), "incomplete");
  EXPECT_EQ(Meaning(absl::string_view(header).substr(0, 16)), "it is too long");
}

TEST(ProxyHeaderTest, AnythingElseIsMalformedAtItsFirstWrongByte) {
  for (const absl::string_view bytes :
       {"G", "PG", "PROXX", "proxy ", "PROXYTCP4", "\r\n\r\n\r", "\n", "\x16\x03\x01"}) {
    EXPECT_EQ(Meaning(bytes), "it does not begin as one") << bytes;
  }
}

}  // namespace

}  // namespace polyserve
