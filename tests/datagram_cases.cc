// Services on datagrams, under every model: each peer has its own session, whatever other peers send; nothing that
// reaches the server is lost, or answered from the wrong address; and peers, which never say that they leave, are
// forgotten.
#include <signal.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/at_once.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"

namespace polyserve {

namespace {

constexpr size_t kLargest = 65507;  // UDP over IPv4 has no longer ones.

class DatagramTest : public EveryModelTest {
 protected:
  DatagramPeer NewPeer() { return DatagramPeer(server().address("echo+udp")); }

  void ExpectEcho(DatagramPeer& peer, absl::string_view text) {
    peer.Send(text);
    EXPECT_EQ(peer.Receive(), text);
  }

  // How many peers, of all that were ever there, are still remembered: from the server's own report.
  int CountActive() {
    server().Signal(SIGUSR1);
    const std::string log = server().log();
    const size_t at = log.rfind(", active ");
    int count = -1;
    if (at != std::string::npos) {
      const absl::string_view rest = absl::string_view(log).substr(at + 9);
      EXPECT_TRUE(absl::SimpleAtoi(rest.substr(0, rest.find(',')), &count));
    }
    return count;
  }

  // Stops the server's own process, so that what is sent meanwhile surely waits when it goes on. The kernel queues the
  // datagrams meanwhile, as it does for a server that is busy.
  void Freeze() {
    server().Signal(SIGSTOP);
    ASSERT_TRUE(Eventually([this] { return IsStopped(server().pid()); }));
  }
};

TEST_F(DatagramTest, EchoAnswersEachDatagramByOne) {
  StartServer();
  DatagramPeer peer = NewPeer();
  for (absl::string_view text : {"one", "two", "three"}) ExpectEcho(peer, text);
  EXPECT_EQ(peer.Look(), std::nullopt);
}

TEST_F(DatagramTest, EmptyAndLargestDatagramsAreAnswered) {
  StartServer();
  DatagramPeer peer = NewPeer();
  ExpectEcho(peer, "");
  ExpectEcho(peer, std::string(kLargest, 'x'));
  ExpectEcho(peer, "");
  EXPECT_EQ(peer.Look(), std::nullopt);
}

TEST_F(DatagramTest, WhatANewPeerSendsAtOnceIsAnsweredInOrder) {
  StartServer();
  for (int round = 0; round < 10; ++round) {
    DatagramPeer peer = NewPeer();
    for (int i = 0; i < 20; ++i) peer.Send(absl::StrCat("datagram ", i));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(peer.Receive(), absl::StrCat("datagram ", i)) << "round " << round;
  }
}

TEST_F(DatagramTest, FiftyPeersAtOnceGetEachTheirOwnAnswersAndAllOfThem) {
  constexpr int kPeers = 50;
  constexpr int kDatagrams = 100;
  // Few enough for no queue to overflow: UDP would drop the datagram without a word, which the case could not tell from
  // a fault of the server.
  constexpr int kOutstanding = 4;
  StartServer();
  RunAtOnce(kPeers, [this](int number) {
    DatagramPeer peer = NewPeer();
    const auto text = [number](int i) { return absl::StrCat("peer ", number, ", datagram ", i); };
    for (int i = 0; i < kDatagrams; ++i) {
      peer.Send(text(i));
      if (i < kOutstanding) continue;
      EXPECT_EQ(peer.Receive(), text(i - kOutstanding));
    }
    for (int i = kDatagrams - kOutstanding; i < kDatagrams; ++i) EXPECT_EQ(peer.Receive(), text(i));
    EXPECT_EQ(peer.Look(), std::nullopt);
  });
}

TEST_F(DatagramTest, PeersThatComeWhileTheServerIsBusyAreAllServed) {
  constexpr int kPeers = 40;
  StartServer();
  Freeze();
  std::vector<std::unique_ptr<DatagramPeer>> peers;
  for (int i = 0; i < kPeers; ++i) peers.push_back(std::make_unique<DatagramPeer>(server().address("echo+udp")));
  for (int datagram = 0; datagram < 5; ++datagram) {
    for (int i = 0; i < kPeers; ++i) peers[i]->Send(absl::StrCat("peer ", i, ", datagram ", datagram));
  }
  server().Signal(SIGCONT);
  for (int i = 0; i < kPeers; ++i) {
    for (int datagram = 0; datagram < 5; ++datagram) {
      EXPECT_EQ(peers[i]->Receive(), absl::StrCat("peer ", i, ", datagram ", datagram));
    }
  }
}

TEST_F(DatagramTest, PeersThatVanishHarmNobody) {
  StartServer();
  DatagramPeer staying = NewPeer();
  ExpectEcho(staying, "before");
  for (int i = 0; i < 20; ++i) {
    DatagramPeer gone = NewPeer();  // Its address refuses the answer.
    gone.Send("one");
    gone.Send("two");
  }
  for (int i = 0; i < 5; ++i) ExpectEcho(staying, absl::StrCat("after ", i));
  DatagramPeer late = NewPeer();
  ExpectEcho(late, "late");
}

TEST_F(DatagramTest, PortsOfServersAreNotAnswered) {
  // What comes from here could as well be forged: the server's own port, on another address of this host.
  StartServer();
  const std::string address = server().address("echo+udp");
  DatagramPeer twin(address, absl::StrCat("127.0.0.2", address.substr(address.rfind(':'))));
  twin.Send("ping");
  DatagramPeer peer = NewPeer();
  ExpectEcho(peer, "behind it");
  EXPECT_EQ(twin.Look(), std::nullopt);
}

TEST_F(DatagramTest, ConnectionsAndDatagramsAreServedSideBySide) {
  StartServer();
  DatagramPeer first = NewPeer();
  ExpectEcho(first, "datagram");
  Peer connection = Connect("echo");
  EXPECT_TRUE(IsServed(connection));
  if (can().keeps_clients_apart) ExpectEcho(first, "while somebody is connected");
  connection.HalfClose();
  EXPECT_EQ(connection.ReadToEnd(), "");
  DatagramPeer second = NewPeer();
  ExpectEcho(second, "to another peer");
  ExpectEcho(first, "to the first one");
}

TEST_F(DatagramTest, SilentPeersAreForgottenAndNothingOfThemStays) {
  StartServer({"--idle_timeout=300ms"});
  NoteFootprint();
  std::vector<std::unique_ptr<DatagramPeer>> peers;
  for (int i = 0; i < 20; ++i) {
    peers.push_back(std::make_unique<DatagramPeer>(server().address("echo+udp")));
    ExpectEcho(*peers.back(), "ping");
  }
  EXPECT_TRUE(Eventually([this] { return CountActive() == 0; })) << CountActive() << " are active";
  ExpectFootprint();
  for (const auto& peer : peers) ExpectEcho(*peer, "and yet they are welcome again");
}

TEST_F(DatagramTest, DatagramsInTheQueueAreAnsweredBeforeTheEnd) {
  StartServer();
  DatagramPeer known = NewPeer();
  ExpectEcho(known, "ping");
  Freeze();
  std::vector<std::unique_ptr<DatagramPeer>> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(std::make_unique<DatagramPeer>(server().address("echo+udp")));
    for (int datagram = 0; datagram < 3; ++datagram) peers.back()->Send(absl::StrCat(i, " ", datagram));
  }
  known.Send("last");
  server().Signal(SIGTERM);
  server().Signal(SIGCONT);
  for (int i = 0; i < 8; ++i) {
    for (int datagram = 0; datagram < 3; ++datagram) EXPECT_EQ(peers[i]->Receive(), absl::StrCat(i, " ", datagram));
  }
  EXPECT_EQ(known.Receive(), "last");
  ExpectCleanExit();
}

TEST_F(DatagramTest, KilledChildOfAPeerIsReplacedWithTheNextDatagram) {
  if (!can().survives_crash) GTEST_SKIP() << "by design: all peers are in one process";
  StartServer();
  DatagramPeer peer = NewPeer();
  ExpectEcho(peer, "before");
  for (const pid_t process : server().processes()) {
    if (process != server().pid()) ::kill(process, SIGKILL);
  }
  // What was on its way to the one that was killed is gone with it.
  EXPECT_TRUE(Eventually([&peer] {
    peer.Send("again");
    return peer.Look().has_value();
  }));
}

TEST_F(DatagramTest, IPv6IsServed) {
  StartServer({"--listen=echo+udp://[::1]:0"});
  DatagramPeer peer = NewPeer();
  ExpectEcho(peer, "over IPv6");
  ExpectEcho(peer, "");
  RunAtOnce(10, [this](int number) {
    DatagramPeer other = NewPeer();
    for (int i = 0; i < 10; ++i) ExpectEcho(other, absl::StrCat(number, " ", i));
  });
}

TEST_F(DatagramTest, AnswersComeFromTheAddressThatWasAsked) {
  StartServer({"--listen=echo+udp://0.0.0.0:0"});
  const std::string address = server().address("echo+udp");
  const std::string port = address.substr(address.rfind(':'));
  for (absl::string_view host : {"127.0.0.1", "127.0.0.2", "127.0.0.3"}) {
    DatagramPeer peer(absl::StrCat(host, port));  // Takes answers from there alone.
    for (int i = 0; i < 5; ++i) ExpectEcho(peer, absl::StrCat(host, " ", i));
  }
}

}  // namespace

}  // namespace polyserve
