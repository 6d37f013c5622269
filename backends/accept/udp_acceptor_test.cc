#include "backends/accept/udp_acceptor.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/datagram.h"
#include "net/endpoint.h"

namespace polyserve {

namespace {

class UdpAcceptorTest : public testing::Test {
 protected:
  UdpAcceptorTest()
      : listener_(*BindUdp(*Endpoint::Parse("127.0.0.1:0"))), udp_acceptor_(*UdpAcceptor::Open(listener_.get())) {}

  UniqueFd NewPeer(const std::string& host = "127.0.0.1") {
    UniqueFd fd = *BindUdp(*Endpoint::Parse(host + ":0"));
    const Endpoint at = *Endpoint::OfSocket(listener_.get());
    EXPECT_EQ(::connect(fd.get(), at.address(), at.size()), 0);
    return fd;
  }
  void Send(const UniqueFd& peer, absl::string_view text) {
    EXPECT_EQ(::send(peer.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  // The next misdelivered datagram that the session is handed; "nothing" if there is none.
  std::string NextMisdelivered(const UdpAcceptor::Arrival& arrival) {
    const ssize_t size = ReceiveMisdelivered(arrival.misdelivered.get(), buffer_, must_leave_);
    return size < 0 ? "nothing" : std::string(buffer_, static_cast<size_t>(size));
  }
  // The next datagram in its own socket.
  std::string Own(const UdpAcceptor::Arrival& arrival) {
    const ssize_t size = ::recv(arrival.socket.get(), buffer_, sizeof(buffer_), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(buffer_, static_cast<size_t>(size));
  }
  bool IsReadable() {
    pollfd udp_acceptor = {udp_acceptor_->wait_fd(), POLLIN, 0};
    return ::poll(&udp_acceptor, 1, 0) > 0;
  }

  UniqueFd listener_;
  std::unique_ptr<UdpAcceptor> udp_acceptor_;
  bool must_leave_ = false;
  char buffer_[kMaxDatagramBytes];
};

TEST_F(UdpAcceptorTest, NobodyIsAcceptedBeforeSomebodyHasSentSomething) {
  EXPECT_FALSE(IsReadable());
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status()));
}

TEST_F(UdpAcceptorTest, WhatWasSentBeforeTheSocketWasThereReachesTheSessionInOrder) {
  const UniqueFd peer = NewPeer();
  for (absl::string_view text : {"one", "", "three"}) Send(peer, text);
  EXPECT_TRUE(IsReadable());
  const absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok()) << arrival.status();
  Send(peer, "four");
  EXPECT_EQ(NextMisdelivered(*arrival), "one");
  EXPECT_EQ(NextMisdelivered(*arrival), "");
  EXPECT_EQ(NextMisdelivered(*arrival), "three");
  EXPECT_EQ(NextMisdelivered(*arrival), "nothing");
  EXPECT_EQ(Own(*arrival), "four");
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status()));
}

TEST_F(UdpAcceptorTest, DatagramsThatLieBetweenThoseOfOthersReachTheirOwnSessions) {
  constexpr int kPeers = 20;
  std::vector<UniqueFd> peers;
  for (int i = 0; i < kPeers; ++i) peers.push_back(NewPeer());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kPeers; ++i) Send(peers[i], absl::StrCat(i, " ", round));
  }
  for (int i = 0; i < kPeers; ++i) {
    const absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
    ASSERT_TRUE(arrival.ok()) << arrival.status();
    for (int round = 0; round < 3; ++round) EXPECT_EQ(NextMisdelivered(*arrival), absl::StrCat(i, " ", round));
    EXPECT_EQ(NextMisdelivered(*arrival), "nothing");
    EXPECT_EQ(udp_acceptor_->has_pending(), i + 1 < kPeers);
  }
}

TEST_F(UdpAcceptorTest, PeerWhoseSessionHasEndedIsNewAgain) {
  const UniqueFd peer = NewPeer();
  Send(peer, "one");
  absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok());
  arrival = absl::UnavailableError("");
  EXPECT_TRUE(IsReadable()) << "so that the udp_acceptor can forget it";
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status()));
  EXPECT_FALSE(IsReadable());
  Send(peer, "two");
  arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok());
  EXPECT_EQ(NextMisdelivered(*arrival), "two");
}

// As a session does that ends.
TEST_F(UdpAcceptorTest, WhatMeetsTheEndOfASessionIsForTheNextOneInOrder) {
  const UniqueFd peer = NewPeer();
  Send(peer, "one");
  absl::StatusOr<UdpAcceptor::Arrival> first = udp_acceptor_->TryAccept();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(NextMisdelivered(*first), "one");
  EXPECT_TRUE(TurnAwayFromPeer(first->socket.get()).ok());
  ::shutdown(first->misdelivered.get(), SHUT_RD);
  Send(peer, "four");
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status())) << "something may still be returned";
  EXPECT_TRUE(udp_acceptor_->awaits_end());
  EXPECT_FALSE(IsReadable());
  EXPECT_TRUE(ReturnDatagram(first->misdelivered.get(), "two", false));
  EXPECT_TRUE(ReturnDatagram(first->misdelivered.get(), "", false));
  EXPECT_TRUE(IsReadable());
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status()));
  Send(peer, "five");
  EXPECT_TRUE(ReturnDatagram(first->misdelivered.get(), "three", false));
  first = absl::UnavailableError("");
  const absl::StatusOr<UdpAcceptor::Arrival> second = udp_acceptor_->TryAccept();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(udp_acceptor_->awaits_end());
  for (absl::string_view text : {"two", "", "three", "four", "five", "nothing"})
    EXPECT_EQ(NextMisdelivered(*second), text);
}

TEST_F(UdpAcceptorTest, SessionThatIsKilledWithDatagramsUnreadIsForgotten) {
  const UniqueFd peer = NewPeer();
  for (absl::string_view text : {"one", "two"}) Send(peer, text);
  absl::StatusOr<UdpAcceptor::Arrival> first = udp_acceptor_->TryAccept();
  ASSERT_TRUE(first.ok());
  first = absl::UnavailableError("");
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status()));
  EXPECT_FALSE(IsReadable());
  Send(peer, "three");
  const absl::StatusOr<UdpAcceptor::Arrival> second = udp_acceptor_->TryAccept();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(NextMisdelivered(*second), "three");
}

TEST_F(UdpAcceptorTest, WhatIsReturnedAfterTheDeskHasGoneIsNotTaken) {
  const UniqueFd peer = NewPeer();
  Send(peer, "one");
  const absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok());
  udp_acceptor_ = nullptr;
  EXPECT_FALSE(ReturnDatagram(arrival->misdelivered.get(), "two", false));
}

TEST_F(UdpAcceptorTest, WhatIsReturnedJustBeforeTheServerStopsIsStillServed) {
  const UniqueFd peer = NewPeer();
  Send(peer, "one");
  const absl::StatusOr<UdpAcceptor::Arrival> first = udp_acceptor_->TryAccept();
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(udp_acceptor_->awaits_end());
  EXPECT_TRUE(ReturnDatagram(first->misdelivered.get(), "two", false));
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status()));
  EXPECT_TRUE(udp_acceptor_->awaits_end()) << "who returns something is about to end";
  EXPECT_TRUE(ReturnDatagram(first->misdelivered.get(), "three", false));
  EXPECT_TRUE(udp_acceptor_->EndReturns());
  EXPECT_FALSE(ReturnDatagram(first->misdelivered.get(), "four", false)) << "that is for the session itself to answer";
  const absl::StatusOr<UdpAcceptor::Arrival> second = udp_acceptor_->TryAccept();
  ASSERT_TRUE(second.ok()) << second.status();
  for (absl::string_view text : {"two", "three", "nothing"}) EXPECT_EQ(NextMisdelivered(*second), text);
  EXPECT_FALSE(udp_acceptor_->EndReturns());
}

TEST_F(UdpAcceptorTest, AllThatASessionMayHoldCanBeReturned) {
  constexpr int kDatagrams = 5000;  // More than the channel holds.
  const UniqueFd peer = NewPeer();
  Send(peer, "one");
  absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok());
  std::atomic<bool> has_ended{false};
  std::thread session([&] {
    for (int i = 0; i < kDatagrams; ++i)
      EXPECT_TRUE(ReturnDatagram(arrival->misdelivered.get(), absl::StrCat(i), true)) << i;
    arrival = absl::UnavailableError("");
    has_ended = true;
  });
  absl::StatusOr<UdpAcceptor::Arrival> next = absl::UnavailableError("");
  while (!has_ended || absl::IsUnavailable(next.status())) next = udp_acceptor_->TryAccept();
  session.join();
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(NextMisdelivered(*next), "0");
  EXPECT_EQ(NextMisdelivered(*next), "1");
}

TEST_F(UdpAcceptorTest, SessionSeesThatNoMoreDatagramsWillBeHandedOver) {
  const UniqueFd peer = NewPeer();
  Send(peer, "one");
  const absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok());
  EXPECT_TRUE(ReturnDatagram(arrival->misdelivered.get(), "unread", false));
  udp_acceptor_ = nullptr;
  EXPECT_TRUE(HasMisdelivered(arrival->misdelivered.get()) || errno == ECONNRESET);
  EXPECT_EQ(NextMisdelivered(*arrival), "one");
  EXPECT_TRUE(HasMisdelivered(arrival->misdelivered.get())) << "or the end";
  EXPECT_EQ(NextMisdelivered(*arrival), "nothing");
  EXPECT_EQ(errno, EPIPE);
}

// As a session does that lets go of its peer.
TEST_F(UdpAcceptorTest, PeerThatIsTurnedAwayFromIsNewAgainAndNothingIsLost) {
  const UniqueFd peer = NewPeer();
  Send(peer, "one");
  absl::StatusOr<UdpAcceptor::Arrival> first = udp_acceptor_->TryAccept();
  ASSERT_TRUE(first.ok());
  Send(peer, "two");
  EXPECT_TRUE(TurnAwayFromPeer(first->socket.get()).ok());
  ::shutdown(first->misdelivered.get(), SHUT_RD);
  Send(peer, "three");
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status()));
  EXPECT_EQ(NextMisdelivered(*first), "one");
  EXPECT_EQ(Own(*first), "two");
  EXPECT_EQ(Own(*first), "nothing");
  first = absl::UnavailableError("");
  const absl::StatusOr<UdpAcceptor::Arrival> second = udp_acceptor_->TryAccept();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(NextMisdelivered(*second), "three");
}

class FullUdpAcceptorTest : public UdpAcceptorTest {
 protected:
  // As many peers as there may be.
  void Fill() {
    rlimit limit;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (size_t i = 0; i < UdpAcceptor::kMaxPeers; ++i) {
      Send(NewPeer(absl::StrCat("127.1.", i / 250, ".", i % 250 + 1)), "x");
      absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
      ASSERT_TRUE(arrival.ok()) << arrival.status() << " (it takes " << 2 * UdpAcceptor::kMaxPeers << " descriptors)";
      arrivals_.push_back(*std::move(arrival));
    }
  }

  std::vector<UdpAcceptor::Arrival> arrivals_;
};

TEST_F(FullUdpAcceptorTest, TooManyAreRefusedUntilOneHasLeftIfAllAreKnown) {
  Fill();
  for (const UdpAcceptor::Arrival& arrival : arrivals_) TellKnown(arrival.misdelivered.get());
  for (size_t i = 0; i * 64 < UdpAcceptor::kMaxPeers; ++i)
    udp_acceptor_->TryAccept().IgnoreError();  // So many are heard at a time.
  const UniqueFd late = NewPeer();
  Send(late, "one");
  EXPECT_TRUE(absl::IsFailedPrecondition(udp_acceptor_->TryAccept().status()));
  arrivals_.pop_back();
  Send(late, "two");
  const absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok());
  EXPECT_EQ(NextMisdelivered(*arrival), "two");
}

TEST_F(FullUdpAcceptorTest, OldestThatIsNotKnownMakesRoom) {
  Fill();
  TellKnown(arrivals_[0].misdelivered.get());
  const UniqueFd late = NewPeer();
  Send(late, "one");
  const absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok()) << arrival.status();
  EXPECT_EQ(NextMisdelivered(*arrival), "one");
  EXPECT_EQ(NextMisdelivered(arrivals_[0]), "x");
  EXPECT_EQ(NextMisdelivered(arrivals_[0]), "nothing");
  EXPECT_FALSE(must_leave_);
  EXPECT_EQ(NextMisdelivered(arrivals_[1]), "x");
  EXPECT_EQ(NextMisdelivered(arrivals_[1]), "nothing");
  EXPECT_TRUE(must_leave_);
}

TEST_F(UdpAcceptorTest, PeersThatMayNotBeAnsweredAreNotAccepted) {
  const UniqueFd refused = NewPeer(), welcome = NewPeer();
  const Endpoint whom = *Endpoint::OfSocket(refused.get());
  udp_acceptor_ =
      *UdpAcceptor::Open(listener_.get(), false, [whom](const DatagramPath& path) { return !(path.peer == whom); });
  Send(refused, "one");
  Send(welcome, "two");
  const absl::StatusOr<UdpAcceptor::Arrival> arrival = udp_acceptor_->TryAccept();
  ASSERT_TRUE(arrival.ok());
  EXPECT_EQ(NextMisdelivered(*arrival), "two");
  EXPECT_TRUE(absl::IsUnavailable(udp_acceptor_->TryAccept().status()));
}

}  // namespace

}  // namespace polyserve
