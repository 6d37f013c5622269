#include "tests/party.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "protocol/websocket/test_client.h"
#include "tests/datagram_peer.h"
#include "tests/peer.h"
#include "tests/tftp_peer.h"
#include "tests/websocket_peer.h"

namespace polyserve {

namespace {

constexpr char kNothing[] = "(nothing)";

// A page shows one datagram or message in one line.
std::string Escape(absl::string_view text) { return absl::StrReplaceAll(text, {{"\n", "\\n"}}); }
std::string Unescape(absl::string_view text) { return absl::StrReplaceAll(text, {{"\\n", "\n"}}); }

class LineParty : public Party {
 public:
  explicit LineParty(const std::string& address) : peer_(address) {}
  void Send(absl::string_view text) override { peer_.Send(std::string(text) + "\n"); }
  std::string Receive() override {
    const std::string line = peer_.ReadLine();
    return line.empty() ? kNothing : std::string(absl::StripSuffix(line, "\n"));
  }

 private:
  Peer peer_;
};

class DatagramParty : public Party {
 public:
  explicit DatagramParty(const std::string& address) : peer_(address) {}
  void Send(absl::string_view text) override { peer_.Send(Unescape(text)); }
  std::string Receive() override {
    const std::optional<std::string> datagram = peer_.Receive();
    return datagram.has_value() ? Escape(*datagram) : kNothing;
  }

 private:
  DatagramPeer peer_;
};

// Text messages as they are; a close as "(close 1000)".
class WebSocketParty : public Party {
 public:
  explicit WebSocketParty(const std::string& address) : peer_(Peer(address)) {}
  void Send(absl::string_view text) override {
    if (text == "(close 1000)") {
      peer_.Send(WsClose(1000));
    } else {
      peer_.Say(Unescape(text));
    }
  }
  std::string Receive() override {
    const std::string frame = peer_.Hear();
    absl::string_view text = frame;
    if (absl::ConsumePrefix(&text, "text: ")) return Escape(text);
    return frame.empty() ? kNothing : "(" + frame + ")";
  }

 private:
  WebSocketPeer peer_;
};

class TftpParty : public Party {
 public:
  explicit TftpParty(const std::string& address) : peer_(address) {}
  void Send(absl::string_view text) override { peer_.Send(TftpPacketOf(Unescape(text))); }
  std::string Receive() override {
    const std::optional<std::string> packet = peer_.Receive();
    return packet.has_value() ? Escape(DescribeTftpPacket(*packet)) : kNothing;
  }

 private:
  TftpPeer peer_;
};

}  // namespace

std::unique_ptr<Party> MakeParty(absl::string_view service, const std::string& address) {
  if (service == "websocket") return std::make_unique<WebSocketParty>(address);
  if (service == "tftp+udp") return std::make_unique<TftpParty>(address);
  if (absl::EndsWith(service, "+udp")) return std::make_unique<DatagramParty>(address);
  return std::make_unique<LineParty>(address);
}

}  // namespace polyserve
