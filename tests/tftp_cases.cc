// tftp with real clients, under every model: tftp-hpa, atftp and curl, which differ in the options they use, in what
// they do between two transfers, and in how strictly they look at ports.
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "tests/at_once.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/scratch.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

constexpr char kListenTftp[] = "--listen=tftp+udp://127.0.0.1:0,echo://127.0.0.1:0";

// A client that goes packet by packet.
class TftpPeer {
 public:
  explicit TftpPeer(const std::string& address)
      : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), server_(*Endpoint::Parse(address)) {
    const timeval patience = absl::ToTimeval(kPatience);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }

  void Ask(absl::string_view name) {
    const absl::string_view zero("\0", 1);
    Send(absl::StrCat(zero, "\1", name, zero, "octet", zero), server_);
  }
  void Acknowledge(uint16_t block) {
    Send({'\0', '\4', static_cast<char>(block >> 8), static_cast<char>(block & 0xff)}, transfer_);
  }
  // The bytes of the next block of data; nothing where something else comes, or nothing.
  std::optional<std::string> Receive() {
    char buffer[2048];
    sockaddr_storage from = {};
    socklen_t size = sizeof(from);
    const ssize_t count = ::recvfrom(fd_.get(), buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (count < 4 || buffer[1] != 3) return std::nullopt;
    transfer_ = Endpoint::FromAddress(from);
    return std::string(buffer + 4, static_cast<size_t>(count) - 4);
  }
  // Reads on to the end; blocks that come twice do not count.
  std::string ReceiveRest(uint16_t block) {
    std::string bytes;
    while (true) {
      const std::optional<std::string> data = Receive();
      if (!data.has_value()) return bytes;
      bytes += *data;
      Acknowledge(block++);
      if (data->size() < 512) return bytes;
    }
  }
  uint16_t server_port() const { return server_.port(); }
  uint16_t transfer_port() const { return transfer_.port(); }

 private:
  void Send(const std::string& packet, const Endpoint& to) {
    EXPECT_EQ(::sendto(fd_.get(), packet.data(), packet.size(), 0, to.address(), to.size()),
              static_cast<ssize_t>(packet.size()));
  }

  const UniqueFd fd_;
  const Endpoint server_;
  Endpoint transfer_;
};

class TftpTest : public EveryModelTest {
 protected:
  void StartTftp(std::vector<std::string> flags = {}) {
    flags.push_back(kListenTftp);
    StartServer(std::move(flags));
  }
  std::string address() { return server().address("tftp+udp"); }
  std::string port() { return address().substr(address().rfind(':') + 1); }
  std::string Url(absl::string_view name) { return absl::StrCat("tftp://", address(), "/", name); }

  // Runs a client, which is to succeed.
  void Run(const std::vector<std::string>& arguments) {
    const ToolRun run = RunTool(arguments, local_.path());
    EXPECT_EQ(run.exit_status, 0) << arguments[0] << ": " << run.output;
  }
  void ExpectSame(const std::string& bytes, const std::string& expected) {
    EXPECT_EQ(bytes.size(), expected.size());
    EXPECT_EQ(Sha256(bytes), Sha256(expected));
  }

  Scratch local_;
};

TEST_F(TftpTest, TftpHpaGetsAndPuts) {
  const std::string bytes = RandomBytes(200'000, 1);
  root().Write("a", bytes);
  root().Write("text", "one\ntwo\n");
  local_.Write("b", bytes);
  StartTftp();
  Run({"tftp", "-m", "octet", "127.0.0.1", port(), "-c", "get", "a", local_.PathOf("a")});
  ExpectSame(local_.Read("a"), bytes);
  Run({"tftp", "-m", "octet", "127.0.0.1", port(), "-c", "put", local_.PathOf("b"), "b"});
  ExpectSame(root().Read("b"), bytes);
  Run({"tftp", "-m", "ascii", "127.0.0.1", port(), "-c", "get", "text", local_.PathOf("text")});
  EXPECT_EQ(local_.Read("text"), "one\ntwo\n");
}

TEST_F(TftpTest, AtftpGetsAndPutsWithAllOptions) {
  const std::string bytes = RandomBytes(300'000, 2);
  root().Write("a", bytes);
  local_.Write("b", bytes);
  StartTftp();
  const std::vector<std::string> common = {"atftp",    "--option", "blksize 1428", "--option", "windowsize 8",
                                           "--option", "tsize",    "--option",     "timeout 2"};
  std::vector<std::string> get = common;
  get.insert(get.end(), {"--get", "--remote-file", "a", "--local-file", local_.PathOf("a"), "127.0.0.1", port()});
  Run(get);
  ExpectSame(local_.Read("a"), bytes);
  std::vector<std::string> put = common;
  put.insert(put.end(), {"--put", "--local-file", local_.PathOf("b"), "--remote-file", "b", "127.0.0.1", port()});
  Run(put);
  ExpectSame(root().Read("b"), bytes);
}

TEST_F(TftpTest, CurlGetsAndPuts) {
  const std::string bytes = RandomBytes(100'000, 3);
  root().Write("a", bytes);
  root().MakeDirectory("directory");
  root().Write("empty", "");
  local_.Write("b", bytes);
  StartTftp();
  Run({"curl", "-sS", "-o", local_.PathOf("a"), Url("a")});
  ExpectSame(local_.Read("a"), bytes);
  Run({"curl", "-sS", "--tftp-blksize", "8192", "-o", local_.PathOf("a2"), Url("a")});
  ExpectSame(local_.Read("a2"), bytes);
  Run({"curl", "-sS", "-T", local_.PathOf("b"), Url("directory/b")});
  ExpectSame(root().Read("directory/b"), bytes);
  Run({"curl", "-sS", "--tftp-no-options", "-o", local_.PathOf("empty"), Url("empty")});
  EXPECT_EQ(local_.Read("empty"), "");
}

TEST_F(TftpTest, RefusalsReachTheClient) {
  root().Write("a", "a");
  local_.Write("b", "b");
  StartTftp({"--read_only"});
  EXPECT_EQ(RunTool({"curl", "-sS", "-o", local_.PathOf("none"), Url("none")}, local_.path()).exit_status,
            68);  // Not found,
  EXPECT_EQ(RunTool({"curl", "-sS", "-T", local_.PathOf("b"), Url("b")}, local_.path()).exit_status,
            69);  // not allowed.
  Run({"curl", "-sS", "-o", local_.PathOf("a"), Url("a")});
  EXPECT_EQ(local_.Read("a"), "a");
}

TEST_F(TftpTest, SeveralTransfersAtOnceDoNotMix) {
  constexpr int kClients = 8;
  for (int i = 0; i < kClients; ++i) root().Write(absl::StrCat(i), RandomBytes(50'000 + 512 * i, 10 + i));
  StartTftp();
  RunAtOnce(kClients, [this](int number) {
    const std::string name = absl::StrCat(number);
    Run({"curl", "-sS", "-o", local_.PathOf(name), Url(name)});
    ExpectSame(local_.Read(name), root().Read(name));
  });
}

TEST_F(TftpTest, EachTransferHasAPortOfItsOwn) {
  root().Write("a", std::string(600, 'x'));
  StartTftp();
  TftpPeer peer(address());
  peer.Ask("a");
  EXPECT_EQ(peer.Receive(), std::string(512, 'x'));
  EXPECT_NE(peer.transfer_port(), peer.server_port());
  peer.Acknowledge(1);
  EXPECT_EQ(peer.ReceiveRest(2), std::string(88, 'x'));
}

TEST_F(TftpTest, RequestThatComesTwiceStartsOneTransfer) {
  root().Write("a", std::string(600, 'x'));
  StartTftp();
  TftpPeer peer(address());
  peer.Ask("a");
  peer.Ask("a");
  EXPECT_EQ(peer.Receive(), std::string(512, 'x'));
  const uint16_t port = peer.transfer_port();
  peer.Acknowledge(1);
  EXPECT_EQ(peer.ReceiveRest(2), std::string(88, 'x'));
  EXPECT_EQ(peer.transfer_port(), port);
}

TEST_F(TftpTest, TransferIsFinishedBeforeTheEnd) {
  const std::string bytes = RandomBytes(20'000, 4);
  root().Write("a", bytes);
  StartTftp({"--drain_timeout=10m"});
  TftpPeer peer(address());
  peer.Ask("a");
  EXPECT_EQ(peer.Receive(), bytes.substr(0, 512));
  server().SignalAndAwaitDelivery(SIGTERM);
  peer.Acknowledge(1);
  ExpectSame(peer.ReceiveRest(2), bytes.substr(512));
  ExpectCleanExit();
}

TEST_F(TftpTest, ClientsThatVanishAreForgotten) {
  root().Write("a", std::string(100'000, 'x'));
  StartTftp({"--idle_timeout=300ms"});
  NoteFootprint();
  for (int i = 0; i < 5; ++i) {
    TftpPeer peer(address());
    peer.Ask("a");
    EXPECT_TRUE(peer.Receive().has_value());
  }
  ExpectFootprint();
  Run({"curl", "-sS", "-o", local_.PathOf("a"), Url("a")});
}

}  // namespace

}  // namespace polyserve
