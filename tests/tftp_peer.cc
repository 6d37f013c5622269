#include "tests/tftp_peer.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"

namespace polyserve {

namespace {

// By opcode.
constexpr absl::string_view kNames[] = {"", "RRQ", "WRQ", "DATA", "ACK", "ERROR", "OACK"};
constexpr char kZero = '\0';
constexpr size_t kNumberBytes = 2;

std::string Number(int number) { return {static_cast<char>(number >> 8), static_cast<char>(number & 0xFF)}; }

int NumberAt(absl::string_view bytes, size_t at) {
  if (bytes.size() < at + kNumberBytes) return -1;
  return static_cast<uint8_t>(bytes[at]) * 256 + static_cast<uint8_t>(bytes[at + 1]);
}

bool IsRequest(absl::string_view packet) { return NumberAt(packet, 0) == 1 || NumberAt(packet, 0) == 2; }

// Strings that each end in a zero.
std::string WithZeros(absl::string_view words) {
  std::string bytes;
  for (absl::string_view word : absl::StrSplit(words, absl::ByAnyChar(" ="))) {
    absl::StrAppend(&bytes, word, absl::string_view(&kZero, 1));
  }
  return bytes;
}

std::string Options(absl::string_view bytes) {
  std::string text;
  std::vector<absl::string_view> words = absl::StrSplit(absl::StripSuffix(bytes, absl::string_view(&kZero, 1)), kZero);
  for (size_t i = 0; i + 1 < words.size(); i += 2) absl::StrAppend(&text, " ", words[i], "=", words[i + 1]);
  return text;
}

}  // namespace

// Not connected, because the answers come from a port that only the first one of them tells (RFC 1350, section 4).
TftpPeer::TftpPeer(const std::string& address)
    : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), server_(*Endpoint::Parse(address)) {
  const timeval patience = absl::ToTimeval(kPatience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

void TftpPeer::Send(const std::string& packet) { SendTo(packet, IsRequest(packet) ? server_ : transfer_); }
void TftpPeer::SendToServer(const std::string& packet) { SendTo(packet, server_); }

void TftpPeer::SendTo(const std::string& packet, const Endpoint& to) {
  EXPECT_EQ(::sendto(fd_.get(), packet.data(), packet.size(), 0, to.address(), to.size()),
            static_cast<ssize_t>(packet.size()));
}

std::optional<std::string> TftpPeer::Receive() { return Receive(0); }
std::optional<std::string> TftpPeer::Look() { return Receive(MSG_DONTWAIT); }

std::optional<std::string> TftpPeer::Receive(int flags) {
  char buffer[2048];
  sockaddr_storage from = {};
  socklen_t size = sizeof(from);
  ssize_t count = 0;
  do {  // See Peer::Fill().
    count = ::recvfrom(fd_.get(), buffer, sizeof(buffer), flags, reinterpret_cast<sockaddr*>(&from), &size);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return std::nullopt;
  // From here on everything but a new request goes there.
  transfer_ = Endpoint::FromAddress(from);
  return std::string(buffer, static_cast<size_t>(count));
}

std::string TftpPacketOf(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits(' ', 1));
  const absl::string_view rest = parts.size() == 2 ? parts[1] : "";
  for (int opcode = 1; opcode <= 6; ++opcode) {
    if (parts[0] != kNames[opcode]) continue;
    if (opcode <= 2 || opcode == 6) return Number(opcode) + WithZeros(rest);
    const std::vector<std::string> words = absl::StrSplit(rest, absl::MaxSplits(' ', 1));
    int number = 0;
    EXPECT_TRUE(absl::SimpleAtoi(words[0], &number)) << text;
    const std::string bytes = words.size() == 2 ? words[1] : "";
    return absl::StrCat(Number(opcode), Number(number), bytes, opcode == 5 ? absl::string_view(&kZero, 1) : "");
  }
  ADD_FAILURE() << "no packet: " << text;
  return "";
}

std::string DescribeTftpPacket(absl::string_view packet) {
  const int opcode = NumberAt(packet, 0);
  if (opcode == 6) return absl::StrCat("OACK", Options(packet.substr(kNumberBytes)));
  if (opcode < 3 || opcode > 5 || NumberAt(packet, kNumberBytes) < 0) return "no packet of a server";
  absl::string_view rest = packet.substr(2 * kNumberBytes);
  if (opcode == 5) absl::ConsumeSuffix(&rest, absl::string_view(&kZero, 1));
  return absl::StrCat(kNames[opcode], " ", NumberAt(packet, kNumberBytes), rest.empty() ? "" : " ", rest);
}

}  // namespace polyserve
