// tftp with real clients, under every model: tftp-hpa, atftp and curl, which differ in the options they use, in what
// they do between two transfers, and in how strictly they look at ports.
#include <signal.h>
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"
#include "tests/tftp_peer.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

constexpr char kListenTftp[] = "--listen=tftp+udp://127.0.0.1:0,echo://127.0.0.1:0";

// Downloads a file, block by block.
class TftpDownload : public TftpPeer {
 public:
  using TftpPeer::TftpPeer;

  void Ask(absl::string_view name) { Send(TftpPacketOf(absl::StrCat("RRQ ", name, " octet"))); }
  void Acknowledge(uint16_t block) { Send(TftpPacketOf(absl::StrCat("ACK ", block))); }
  // The bytes of the next block of data; nothing if something else comes, or nothing.
  std::optional<std::string> ReceiveBlock() {
    const std::optional<std::string> packet = Receive();
    const bool is_data = packet.has_value() && packet->size() >= 4 && (*packet)[1] == 3;
    return is_data ? std::optional<std::string>(packet->substr(4)) : std::nullopt;
  }
  // Reads on to the end; blocks that come twice do not count.
  std::string ReceiveRest(uint16_t block) {
    std::string bytes;
    while (true) {
      const std::optional<std::string> data = ReceiveBlock();
      if (!data.has_value()) return bytes;
      bytes += *data;
      Acknowledge(block++);
      if (data->size() < 512) return bytes;
    }
  }
};

class TftpTest : public EveryModelTest {
 protected:
  void StartTftp(std::vector<std::string> flags = {}) {
    flags.emplace_back(kListenTftp);
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

  // Sends requests to the stopped server, so that the first look at the listener reads all of them. False if the first
  // answer was repeated before the last one came.
  bool AnswersCrowdAtOnce() {
    const int crowd_size = can().starts_images ? 8 : 70;  // Each image takes its time, and all have a second.
    const std::vector<pid_t> processes = server().processes();
    for (const pid_t process : processes) ::kill(process, SIGSTOP);
    for (const pid_t process : processes) {  // One that has served a peer may just end.
      EXPECT_TRUE(Eventually([process] { return IsStopped(process) || ::kill(process, 0) != 0; }));
    }
    std::deque<TftpDownload> crowd;
    for (int i = 0; i < crowd_size; ++i) crowd.emplace_back(address()).Ask("a");
    for (const pid_t process : processes) ::kill(process, SIGCONT);
    EXPECT_EQ(crowd.back().ReceiveBlock(), "a");
    EXPECT_EQ(crowd.front().ReceiveBlock(), "a");
    const bool was_repeated = crowd.front().Look().has_value();
    for (size_t i = 1; i < crowd.size() - 1; ++i) EXPECT_EQ(crowd[i].ReceiveBlock(), "a");
    for (TftpDownload& peer : crowd) peer.Acknowledge(1);
    return !was_repeated;
  }

  Scratch local_;
};

TEST_F(TftpTest, TftpHpaGetsAndPuts) {
  const std::string bytes = RandomBytes(200'000, 1);
  root().Write("a", bytes);
  root().Write("text", "one\ntwo\n");
  local_.Write("b", bytes);
  StartTftp({"--tftp_writes"});
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
  StartTftp({"--tftp_writes"});
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
  StartTftp({"--tftp_writes"});
  Run({"curl", "-sS", "-o", local_.PathOf("a"), Url("a")});
  ExpectSame(local_.Read("a"), bytes);
  Run({"curl", "-sS", "--tftp-blksize", "8192", "-o", local_.PathOf("a2"), Url("a")});
  ExpectSame(local_.Read("a2"), bytes);
  Run({"curl", "-sS", "-T", local_.PathOf("b"), Url("directory/b")});
  ExpectSame(root().Read("directory/b"), bytes);
  Run({"curl", "-sS", "--tftp-no-options", "-o", local_.PathOf("empty"), Url("empty")});
  EXPECT_EQ(local_.Read("empty"), "");
}

// The codes are curl's words for the errors of RFC 1350.
constexpr int kCurlNotFound = 68;
constexpr int kCurlNotAllowed = 69;
constexpr int kCurlExists = 73;

TEST_F(TftpTest, ServerTakesNoUploadsUnlessAskedTo) {
  root().Write("a", "a");
  local_.Write("b", "b");
  StartTftp();
  EXPECT_EQ(RunTool({"curl", "-sS", "-o", local_.PathOf("none"), Url("none")}, local_.path()).exit_status,
            kCurlNotFound);
  EXPECT_EQ(RunTool({"curl", "-sS", "-T", local_.PathOf("b"), Url("b")}, local_.path()).exit_status, kCurlNotAllowed);
  EXPECT_EQ(root().Names(), std::vector<std::string>{"a"});
  Run({"curl", "-sS", "-o", local_.PathOf("a"), Url("a")});
  EXPECT_EQ(local_.Read("a"), "a");
}

TEST_F(TftpTest, UploadsReplaceNoFileUnlessAskedTo) {
  root().Write("a", "old");
  local_.Write("b", "new");
  StartTftp({"--tftp_writes"});
  EXPECT_EQ(RunTool({"curl", "-sS", "-T", local_.PathOf("b"), Url("a")}, local_.path()).exit_status, kCurlExists);
  EXPECT_EQ(root().Read("a"), "old");
  Run({"curl", "-sS", "-T", local_.PathOf("b"), Url("b")});
  EXPECT_EQ(root().Read("b"), "new");
}

TEST_F(TftpTest, UploadsReplaceFilesIfAskedTo) {
  root().Write("a", "old");
  local_.Write("b", "new");
  StartTftp({"--tftp_writes", "--tftp_overwrite"});
  Run({"curl", "-sS", "-T", local_.PathOf("b"), Url("a")});
  EXPECT_EQ(root().Read("a"), "new");
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

// RFC 1350, section 4: the port names the transfer, so two transfers of one client do not mix.
TEST_F(TftpTest, EachTransferHasAPortOfItsOwn) {
  root().Write("a", std::string(600, 'x'));
  StartTftp();
  TftpDownload peer(address());
  peer.Ask("a");
  EXPECT_EQ(peer.ReceiveBlock(), std::string(512, 'x'));
  EXPECT_NE(peer.transfer_port(), peer.server_port());
  peer.Acknowledge(1);
  EXPECT_EQ(peer.ReceiveRest(2), std::string(88, 'x'));
}

// Each of them gets an answer (RFC 1350, section 4), but an error gets none, or two servers could answer each other for
// ever; nor does a flood.
TEST_F(TftpTest, PacketsFromAnotherPortGetAnErrorAndDisturbNothing) {
  constexpr int kAnswered = 6;  // PeerConversation::kMostStrays counts the two errors, too.
  root().Write("a", std::string(600, 'x'));
  StartTftp();
  TftpDownload peer(address());
  peer.Ask("a");
  EXPECT_EQ(peer.ReceiveBlock(), std::string(512, 'x'));
  DatagramPeer stranger(absl::StrCat("127.0.0.1:", peer.transfer_port()));
  stranger.Send(TftpPacketOf("ERROR 5 no"));
  stranger.Send(TftpPacketOf("ERROR 0 never mind"));
  for (int i = 0; i < kAnswered; ++i) {
    stranger.Send(TftpPacketOf("ACK 1"));
    EXPECT_EQ(DescribeTftpPacket(stranger.Receive().value_or("")), "ERROR 5 this is the port of another transfer");
  }
  stranger.Send(TftpPacketOf("ACK 1"));
  EXPECT_EQ(stranger.Receive(), std::nullopt) << "the system refuses it";
  peer.Acknowledge(1);
  EXPECT_EQ(peer.ReceiveRest(2), std::string(88, 'x'));
}

// A client repeats a request whose answer is late, and UDP may double it by itself.
TEST_F(TftpTest, RequestThatComesTwiceStartsOneTransfer) {
  root().Write("a", std::string(600, 'x'));
  StartTftp();
  TftpDownload peer(address());
  peer.Ask("a");
  peer.Ask("a");
  EXPECT_EQ(peer.ReceiveBlock(), std::string(512, 'x'));
  const uint16_t port = peer.transfer_port();
  peer.Acknowledge(1);
  EXPECT_EQ(peer.ReceiveRest(2), std::string(88, 'x'));
  EXPECT_EQ(peer.transfer_port(), port);
}

TEST_F(TftpTest, ClientThatStartsAgainFromItsPortIsServedAnew) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it sees a request when the transfer before it has ended";
  const std::string bytes = RandomBytes(5000, 5);
  root().Write("a", bytes);
  root().Write("b", "b");
  StartTftp();
  TftpDownload peer(address());
  peer.Ask("a");
  EXPECT_EQ(peer.ReceiveBlock(), bytes.substr(0, 512));
  peer.Acknowledge(1);
  EXPECT_EQ(peer.ReceiveBlock(), bytes.substr(512, 512));
  peer.Ask("a");
  EXPECT_EQ(peer.ReceiveBlock(), bytes.substr(0, 512)) << "the same file";
  peer.Acknowledge(1);
  EXPECT_EQ(peer.ReceiveBlock(), bytes.substr(512, 512));
  peer.Ask("b");
  EXPECT_EQ(peer.ReceiveBlock(), "b") << "another one";
  peer.Acknowledge(1);
}

TEST_F(TftpTest, RequestPaddedAsBootRomsDoIsServed) {
  root().Write("a", "a");
  StartTftp();
  TftpDownload peer(address());
  std::string request = TftpPacketOf("RRQ a octet blksize=1428");
  request.resize(512);
  peer.Send(request);
  EXPECT_EQ(DescribeTftpPacket(peer.Receive().value_or("")), "OACK blksize=1428");
  peer.Acknowledge(0);
  EXPECT_EQ(peer.ReceiveBlock(), "a");
  peer.Acknowledge(1);
}

// No descriptor shows the datagrams that were read, and lie behind those that a loop accepts in a turn
// (kAcceptsPerTurn). A loop that forgot them would look again when it gives one of the transfers up, three repeats
// later. On a slow machine a repeat may come earlier as well, hence the further tries.
TEST_F(TftpTest, CrowdThatComesAtOnceIsAnsweredBeforeAnythingIsRepeated) {
  if (!can().keeps_clients_apart || can().pooled) GTEST_SKIP() << "by design: only some clients are served at a time";
  root().Write("a", "a");
  StartTftp();
  EXPECT_TRUE(Eventually([this] { return AnswersCrowdAtOnce(); }));
}

TEST_F(TftpTest, TransferIsFinishedBeforeTheEnd) {
  const std::string bytes = RandomBytes(20'000, 4);
  root().Write("a", bytes);
  StartTftp({"--drain_timeout=10m"});
  TftpDownload peer(address());
  peer.Ask("a");
  EXPECT_EQ(peer.ReceiveBlock(), bytes.substr(0, 512));
  server().SignalAndAwaitDelivery(SIGTERM);
  peer.Acknowledge(1);
  ExpectSame(peer.ReceiveRest(2), bytes.substr(512));
  ExpectCleanExit();
}

TEST_F(TftpTest, TransferGoesOnQuietlyAndInTimeWhileTheServerStops) {
  constexpr absl::Duration kWindow = absl::Milliseconds(200);
  const std::string bytes = RandomBytes(1000, 6);
  root().Write("a", bytes);
  StartTftp({"--drain_timeout=10m"});
  TftpDownload peer(address());
  peer.Ask("a");
  EXPECT_EQ(peer.ReceiveBlock(), bytes.substr(0, 512));
  peer.Acknowledge(1);
  EXPECT_EQ(peer.ReceiveBlock(), bytes.substr(512));
  server().SignalAndAwaitDelivery(SIGTERM);
  if (can().keeps_clients_apart) {
    EXPECT_TRUE(Eventually([this] { return Peer(server().address("echo")).was_refused(); }));
  }
  const absl::Duration before = server().ProcessorTime();
  absl::SleepFor(kWindow);  // A server that spins would need all of it.
  EXPECT_LT(server().ProcessorTime() - before, kWindow / 2);
  peer.Acknowledge(1);  // Twice, so that the block is sent again after a moment, which a timer tells.
  EXPECT_EQ(peer.ReceiveBlock(), bytes.substr(512));
  peer.Acknowledge(2);
  ExpectCleanExit();
}

// An ERROR ends a transfer, and is not acknowledged (RFC 1350, section 7). The next request comes from the same port
// while the server may still be busy with that end.
TEST_F(TftpTest, RequestBehindAnErrorIsAnsweredEachTime) {
  constexpr int kRounds = 100;
  root().Write("a", std::string(600, 'x'));
  StartTftp();
  TftpDownload peer(address());
  for (int i = 0; i < kRounds; ++i) {
    peer.Ask("a");
    ASSERT_EQ(peer.ReceiveBlock(), std::string(512, 'x')) << "round " << i;
    peer.Send(TftpPacketOf("ERROR 0 that is enough"));
  }
}

TEST_F(TftpTest, ClientsThatVanishKeepNobodyWaiting) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one transfer after the other";
  constexpr int kGone = 20;  // More than a pool has workers.
  root().Write("a", std::string(100'000, 'x'));
  StartTftp();
  for (int i = 0; i < kGone; ++i) {
    TftpDownload peer(address());
    peer.Ask("a");
    EXPECT_TRUE(peer.ReceiveBlock().has_value());
  }
  ExpectServesOthers();
  Run({"curl", "-sS", "-o", local_.PathOf("a"), Url("a")});
  server().Signal(SIGKILL);  // Otherwise the server would wait for those that have gone.
  server().AwaitExit();
}

TEST_F(TftpTest, ClientsThatVanishAreForgotten) {
  root().Write("a", std::string(100'000, 'x'));
  StartTftp({"--idle_timeout=300ms"});
  NoteFootprint();
  for (int i = 0; i < 5; ++i) {
    TftpDownload peer(address());
    peer.Ask("a");
    EXPECT_TRUE(peer.ReceiveBlock().has_value());
  }
  ExpectFootprint();
  Run({"curl", "-sS", "-o", local_.PathOf("a"), Url("a")});
}

}  // namespace

}  // namespace polyserve
