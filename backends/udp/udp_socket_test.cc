#include "backends/udp/udp_socket.h"

#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "backends/accept/server_context.h"
#include "backends/connection/timers.h"
#include "base/mailbox.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/coarse_clock.h"
#include "net/datagram.h"
#include "net/endpoint.h"
#include "net/statistics.h"
#include "net/wake_list.h"
#include "protocol/output.h"
#include "protocol/session.h"

namespace polyserve {

namespace {

Message Text(const std::string& text) { return std::make_shared<const std::string>(text); }

// Of the session that was made last; each has one.
Mailbox* g_mailbox = nullptr;

// Says how many datagrams it was shown, and what the last one was; and does what it is told.
class CountingSession : public Session {
 public:
  void OnInput(Input& input, Output& output) override {
    const std::string text(input.bytes());
    if (!text.empty()) input.Consume(1);  // The rest is none of the next call's business.
    output.Write(absl::StrCat(++count_, " ", text));
    if (text == "twice") output.Write("once more");
    if (text == "work") output.Work([](Output& result) { result.Write("worked"); });
    if (text == "wake") output.SetTimer(absl::ZeroDuration());
    if (text == "close") output.Close();
  }
  void OnTime(Output& output) override { output.Write("time"); }
  Mailbox* mailbox() override { return g_mailbox = &mailbox_; }
  void OnMessage(const Message& message, Output& output) override { output.Write(*message); }
  bool is_stateless() const override { return count_ == 1; }

 private:
  Mailbox mailbox_;
  int count_ = 0;
};

class UdpSocketTest : public testing::Test {
 protected:
  UdpSocketTest()
      : context_{{}, absl::Seconds(10), *Statistics::Create()},
        listener_{"count", *BindUdp(*Endpoint::Parse("127.0.0.1:0")),
                  [] { return std::make_unique<CountingSession>(); }, Transport::kDatagrams},
        port_(std::make_unique<UdpSocket>(listener_, context_, timers_, *wakes_)) {}

  // A peer at this address of the loopback device, with any port.
  UniqueFd NewPeer(const std::string& host = "127.0.0.1") {
    UniqueFd fd = *BindUdp(*Endpoint::Parse(host + ":0"));
    const Endpoint at = *Endpoint::OfSocket(listener_.fd.get());
    EXPECT_EQ(::connect(fd.get(), at.address(), at.size()), 0);
    return fd;
  }
  void Send(const UniqueFd& peer, absl::string_view text) {
    EXPECT_EQ(::send(peer.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  // What has come; datagrams of the loopback device are there when they are sent.
  std::string Receive(const UniqueFd& peer) {
    DatagramPath path;
    const ssize_t size = ReceiveDatagram(peer.get(), buffer_, path);
    return size < 0 ? "nothing" : std::string(buffer_, static_cast<size_t>(size));
  }
  std::string Ask(const UniqueFd& peer, absl::string_view text) {
    Send(peer, text);
    EXPECT_TRUE(port_->Serve());
    return Receive(peer);
  }
  Counters& counters() { return context_.statistics.counters(); }

  ServerContext context_;
  Timers timers_;
  const std::unique_ptr<WakeList> wakes_ = *WakeList::Create();
  Listener listener_;
  std::unique_ptr<UdpSocket> port_;
  char buffer_[kMaxDatagramBytes];
};

TEST_F(UdpSocketTest, EachPeerHasASessionOfItsOwn) {
  const UniqueFd one = NewPeer();
  const UniqueFd two = NewPeer();
  EXPECT_EQ(Ask(one, "a"), "1 a");
  EXPECT_EQ(Ask(one, "b"), "2 b");
  EXPECT_EQ(Ask(two, "c"), "1 c");
  EXPECT_EQ(Ask(one, "d"), "3 d");
  EXPECT_EQ(counters().accepted, 2);
  EXPECT_EQ(port_->peers(), 2u);
  EXPECT_FALSE(port_->Serve()) << "nothing has come";
}

TEST_F(UdpSocketTest, ADatagramIsShownWholeAndByItself) {
  const UniqueFd peer = NewPeer();
  EXPECT_EQ(Ask(peer, "long enough to leave a rest"), "1 long enough to leave a rest");
  EXPECT_EQ(Ask(peer, ""), "2 ");
}

TEST_F(UdpSocketTest, EachWriteIsADatagram) {
  const UniqueFd peer = NewPeer();
  EXPECT_EQ(Ask(peer, "twice"), "1 twice");
  EXPECT_EQ(Receive(peer), "once more");
  EXPECT_EQ(Ask(peer, "work"), "2 work");
  EXPECT_EQ(Receive(peer), "worked");
  EXPECT_EQ(Receive(peer), "nothing");
}

TEST_F(UdpSocketTest, SessionIsToldTheTime) {
  const UniqueFd peer = NewPeer();
  EXPECT_EQ(Ask(peer, "wake"), "1 wake");
  while (!timers_.empty()) timers_.RingDue();
  EXPECT_EQ(Receive(peer), "time");
}

TEST_F(UdpSocketTest, SessionIsShownItsMail) {
  wakes_->BelongToThisThread();
  const UniqueFd one = NewPeer(), two = NewPeer();
  Ask(one, "a");
  Mailbox* const first = g_mailbox;
  Ask(two, "b");
  first->Push(Text("for one"));
  first->Push(Text("and more"));
  wakes_->Deliver();
  EXPECT_EQ(Receive(one), "for one");
  EXPECT_EQ(Receive(one), "and more");
  EXPECT_EQ(Receive(two), "nothing");
  for (int i = 0; i < 1000; ++i) first->Push(Text("x"));  // More than one turn's.
  while (!wakes_->empty()) wakes_->Deliver();
  EXPECT_FALSE(first->has_mail());
}

TEST_F(UdpSocketTest, WhoseMailboxIsCutOffIsForgotten) {
  const UniqueFd peer = NewPeer();
  Ask(peer, "a");
  g_mailbox->CutOff();
  wakes_->Deliver();
  EXPECT_EQ(port_->peers(), 0u);
  EXPECT_EQ(Ask(peer, "b"), "1 b");
}

TEST_F(UdpSocketTest, WhoeverIsClosedIsForgotten) {
  const UniqueFd peer = NewPeer();
  EXPECT_EQ(Ask(peer, "wake"), "1 wake");
  EXPECT_EQ(Ask(peer, "close"), "2 close");
  EXPECT_TRUE(timers_.empty());
  EXPECT_EQ(port_->peers(), 0u);
  EXPECT_EQ(Ask(peer, "new"), "1 new");
}

TEST_F(UdpSocketTest, SilentPeersAreForgottenAndNoOthers) {
  const UniqueFd silent = NewPeer();
  const UniqueFd other = NewPeer();
  Ask(silent, "a");
  Ask(other, "b");
  for (uint32_t tick = 0; tick <= kTicksPerTimeout; ++tick) {
    if (tick == 1) Ask(other, "c");
    port_->OnTick();
  }
  EXPECT_EQ(port_->peers(), 1u);
  EXPECT_EQ(counters().ended, 1);
  EXPECT_EQ(Ask(other, "d"), "3 d");
  EXPECT_EQ(Ask(silent, "e"), "1 e");
}

TEST_F(UdpSocketTest, OfTooManyTheBlankOneThatWasSilentForLongestMakesRoom) {
  const UniqueFd kept = NewPeer();
  Ask(kept, "one");
  Ask(kept, "two");  // So it is not blank.
  const UniqueFd first = NewPeer();
  EXPECT_EQ(Ask(first, "a"), "1 a");
  for (size_t i = 0; port_->peers() < UdpSocket::kMaxPeers; ++i) {
    EXPECT_EQ(Ask(NewPeer(absl::StrCat("127.1.", i / 250, ".", i % 250 + 1)), "x"), "1 x");
  }
  EXPECT_EQ(Ask(NewPeer(), "x"), "1 x");
  EXPECT_EQ(port_->peers(), UdpSocket::kMaxPeers);
  EXPECT_EQ(Ask(first, "b"), "1 b") << "it was the one";
  EXPECT_EQ(Ask(kept, "three"), "3 three");
  EXPECT_EQ(counters().refused, 0);
}

TEST_F(UdpSocketTest, WhereNobodyIsBlankANewPeerIsRefused) {
  UniqueFd known;
  for (size_t i = 0; port_->peers() < UdpSocket::kMaxPeers; ++i) {
    known = NewPeer(absl::StrCat("127.1.", i / 250, ".", i % 250 + 1));
    Ask(known, "x");
    Ask(known, "y");
  }
  EXPECT_EQ(Ask(NewPeer(), "x"), "nothing");
  EXPECT_EQ(counters().refused, 1);
  EXPECT_EQ(Ask(known, "z"), "3 z");
}

TEST_F(UdpSocketTest, OversizedAnswerIsDroppedAlone) {
  const UniqueFd peer = NewPeer();
  EXPECT_EQ(Ask(peer, std::string(65507, 'x')), "nothing") << "the answer is longer than a datagram can be";
  EXPECT_EQ(Ask(peer, "y"), "2 y");
}

TEST_F(UdpSocketTest, DrainAnswersWhatHasComeAndForgetsAll) {
  std::vector<UniqueFd> peers;
  for (int i = 0; i < 100; ++i) {
    peers.push_back(NewPeer());
    Send(peers.back(), "a");
    Send(peers.back(), "b");
  }
  port_->Drain();
  for (const UniqueFd& peer : peers) {
    EXPECT_EQ(Receive(peer), "1 a");
    EXPECT_EQ(Receive(peer), "2 b");
  }
  EXPECT_EQ(counters().ended, 100);
}

}  // namespace

}  // namespace polyserve
