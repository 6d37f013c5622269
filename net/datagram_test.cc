#include "net/datagram.h"

#include <sys/socket.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"

namespace polyserve {

namespace {

// A client, bound to an address of its own.
class Client {
 public:
  Client(const std::string& from, const std::string& to) : fd_(*BindUdp(*Endpoint::Parse(from))) {
    const Endpoint server = *Endpoint::Parse(to);
    EXPECT_EQ(::connect(fd_.get(), server.address(), server.size()), 0);
  }
  void Send(absl::string_view bytes) { EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), 0), bytes.size()); }
  int fd() const { return fd_.get(); }
  Endpoint address() const { return *Endpoint::OfSocket(fd_.get()); }

 private:
  UniqueFd fd_;
};

// What waits in the socket; "nothing" if nothing does within a moment. Datagrams on the loopback device are in their
// queue when send() returns.
std::string Receive(int fd, DatagramPath* from = nullptr) {
  static char buffer[kMaxDatagramBytes];
  DatagramPath path;
  const ssize_t size = ReceiveDatagram(fd, buffer, from == nullptr ? path : *from);
  return size < 0 ? "nothing" : std::string(buffer, static_cast<size_t>(size));
}

struct Place {
  std::string listen;  // The server's address, without a port,
  std::string client;  // the clients',
  std::string to;      // and where they send to.
};

std::string ExchangeBetweenServers(const std::string& host) {
  const UniqueFd server = *BindUdp(*Endpoint::Parse(host + ":0")), other = *BindUdp(*Endpoint::Parse(host + ":0"));
  EXPECT_TRUE(NeverAnswerAnswers(server.get()).ok());
  EXPECT_TRUE(NeverAnswerAnswers(other.get()).ok());
  Client client(host + ":0", Endpoint::OfSocket(server.get())->ToString());
  client.Send("request");
  DatagramPath path;
  std::string story = Receive(server.get(), &path);
  SendDatagram(server.get(), "answer", path);
  story += ", " + Receive(client.fd());
  SendDatagram(server.get(), "answer to an answer", {.peer = *Endpoint::OfSocket(other.get()), .local = {}});
  return story + ", " + Receive(other.get());
}

TEST(AnswersTest, ReachClientsAndNoServer) {
  EXPECT_EQ(ExchangeBetweenServers("127.0.0.1"), "request, answer, nothing");
  EXPECT_EQ(ExchangeBetweenServers("[::1]"), "request, answer, nothing");
}

TEST(AnswersTest, OfAConnectedSocketAreMarkedAsWell) {
  const UniqueFd server = *BindUdp(*Endpoint::Parse("127.0.0.1:0")), other = *BindUdp(*Endpoint::Parse("127.0.0.1:0"));
  EXPECT_TRUE(NeverAnswerAnswers(server.get()).ok());
  EXPECT_TRUE(NeverAnswerAnswers(other.get()).ok());
  bool may_hold_others = false;
  const UniqueFd connected =
      *ConnectBeside(server.get(), {.peer = *Endpoint::OfSocket(other.get()), .local = {}}, may_hold_others);
  EXPECT_EQ(::send(connected.get(), "answer", 6, 0), 6);
  EXPECT_EQ(Receive(other.get()), "nothing");
  const std::string to = Endpoint::OfSocket(server.get())->ToString();
  SendDatagram(other.get(), "answer", {.peer = *Endpoint::Parse(to), .local = {}});
  EXPECT_EQ(Receive(connected.get()), "nothing");
}

class DatagramTest : public testing::TestWithParam<Place> {
 protected:
  DatagramTest() : listener_(*BindUdp(*Endpoint::Parse(GetParam().listen + ":0"))) {}
  std::string port() { return ":" + std::to_string(Endpoint::OfSocket(listener_.get())->port()); }
  Client NewClient() { return Client(GetParam().client + ":0", GetParam().to + port()); }

  // Accepts the client as the server does: it has sent something, and the listener has received it.
  UniqueFd Accept(Client& client, DatagramPath* path = nullptr) {
    DatagramPath own;
    if (path == nullptr) path = &own;
    client.Send("first");
    EXPECT_EQ(Receive(listener_.get(), path), "first");
    EXPECT_EQ(path->peer, client.address());
    bool may_hold_others = false;
    absl::StatusOr<UniqueFd> fd = ConnectBeside(listener_.get(), *path, may_hold_others);
    EXPECT_TRUE(fd.ok()) << fd.status();
    return *std::move(fd);
  }

  UniqueFd listener_;
};

TEST_P(DatagramTest, AcceptedSocketHearsItsPeerAloneAndTheListenerAllOthers) {
  std::vector<Client> clients;
  std::vector<UniqueFd> accepted;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(NewClient());
    accepted.push_back(Accept(clients.back()));
  }
  Client other = NewClient();
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i].Send("mine");
    other.Send("new");
    EXPECT_EQ(Receive(accepted[i].get()), "mine");
    EXPECT_EQ(Receive(accepted[i].get()), "nothing");
    EXPECT_EQ(Receive(listener_.get()), "new");
  }
}

TEST_P(DatagramTest, AnswersComeFromWhereTheClientHasSentTo) {
  Client client = NewClient();  // Connected, so it takes nothing from anybody else.
  DatagramPath path;
  const UniqueFd accepted = Accept(client, &path);
  EXPECT_EQ(SendDatagram(listener_.get(), "by the listener", path), 15);
  EXPECT_EQ(Receive(client.fd()), "by the listener");
  EXPECT_EQ(::send(accepted.get(), "by its own", 10, 0), 10);
  EXPECT_EQ(Receive(client.fd()), "by its own");
}

TEST_P(DatagramTest, WhoeverIsTurnedAwayFromIsHeardByTheListenerAgain) {
  Client client = NewClient();
  const UniqueFd accepted = Accept(client);
  client.Send("before");
  EXPECT_TRUE(TurnAwayFromPeer(accepted.get()).ok());
  client.Send("after");
  Client other = NewClient();
  other.Send("other");
  EXPECT_EQ(Receive(accepted.get()), "before");
  EXPECT_EQ(Receive(accepted.get()), "nothing");
  EXPECT_EQ(Receive(listener_.get()), "after");
  EXPECT_EQ(Receive(listener_.get()), "other");
  DatagramPath path;
  path.peer = client.address();
  EXPECT_EQ(SendDatagram(accepted.get(), "late", DatagramPath{.peer = client.address().AsV6(), .local = {}}), 4);
  EXPECT_EQ(Receive(client.fd()), "late");
}

// Whichever of the two sockets the kernel chooses for it, just when that changes. The moment is short: as many tries as
// the time allows.
TEST_P(DatagramTest, NothingIsLostWhileASocketIsTurnedAway) {
  constexpr absl::Duration kTime = absl::Milliseconds(200);
  constexpr int kMostOnTheirWay = 200;  // So many a queue holds.
  Client client = NewClient();
  DatagramPath path;
  Accept(client, &path);
  std::atomic<int> sent{0}, received{0};
  std::atomic<bool> ends{false};
  std::thread sender([&] {
    while (!ends) {
      if (sent - received >= kMostOnTheirWay) {
        std::this_thread::yield();
        continue;
      }
      client.Send("x");
      ++sent;
    }
  });
  const auto receive_all = [&received](int fd) {
    while (Receive(fd) == "x") ++received;
  };
  for (const absl::Time end = absl::Now() + kTime; absl::Now() < end;) {
    bool may_hold_others = false;
    const absl::StatusOr<UniqueFd> accepted = ConnectBeside(listener_.get(), path, may_hold_others);
    EXPECT_TRUE(accepted.ok()) << accepted.status();
    if (!accepted.ok()) break;
    receive_all(listener_.get());
    receive_all(accepted->get());
    EXPECT_TRUE(TurnAwayFromPeer(accepted->get()).ok());
    receive_all(accepted->get());
  }
  ends = true;
  sender.join();
  receive_all(listener_.get());
  EXPECT_EQ(received, sent);
}

TEST_P(DatagramTest, NobodyElseCanTakeTheAddress) {
  Client client = NewClient();
  const UniqueFd accepted = Accept(client);
  EXPECT_FALSE(BindUdp(*Endpoint::Parse(GetParam().to + port())).ok());
  const Endpoint at = *Endpoint::Parse(GetParam().to + port());
  const UniqueFd thief(::socket(at.family(), SOCK_DGRAM, 0));
  const int one = 1;
  ::setsockopt(thief.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  EXPECT_NE(::bind(thief.get(), at.address(), at.size()), 0);
}

TEST_P(DatagramTest, PeerMayBeAnsweredFromAPortOfItsOwn) {
  const UniqueFd client = *BindUdp(*Endpoint::Parse(GetParam().client + ":0"));  // Takes answers from any port.
  const Endpoint to = *Endpoint::Parse(GetParam().to + port());
  EXPECT_EQ(::sendto(client.get(), "request", 7, 0, to.address(), to.size()), 7);
  DatagramPath path;
  EXPECT_EQ(Receive(listener_.get(), &path), "request");
  const absl::StatusOr<UniqueFd> own = ConnectFromNewPort(listener_.get(), path);
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(::send(own->get(), "answer", 6, 0), 6);
  DatagramPath back;
  EXPECT_EQ(Receive(client.get(), &back), "answer");
  EXPECT_NE(back.peer.port(), to.port());
  EXPECT_EQ(back.peer.ToString().substr(0, GetParam().to.size()), GetParam().to);
}

TEST_P(DatagramTest, StraysToAPortOfItsOwnReachASocketOfTheirOwn) {
  const UniqueFd client = *BindUdp(*Endpoint::Parse(GetParam().client + ":0"));
  const Endpoint to = *Endpoint::Parse(GetParam().to + port());
  EXPECT_EQ(::sendto(client.get(), "request", 7, 0, to.address(), to.size()), 7);
  DatagramPath path;
  EXPECT_EQ(Receive(listener_.get(), &path), "request");
  const UniqueFd own = *ConnectFromNewPort(listener_.get(), path);
  const absl::StatusOr<UniqueFd> strays = BindForStrays(own.get());
  ASSERT_TRUE(strays.ok()) << strays.status();
  const std::string at = absl::StrCat(GetParam().to, ":", Endpoint::OfSocket(own.get())->port());
  Client stranger(GetParam().client + ":0", at);
  stranger.Send("stray");
  const Endpoint transfer = *Endpoint::Parse(at);
  EXPECT_EQ(::sendto(client.get(), "mine", 4, 0, transfer.address(), transfer.size()), 4);
  EXPECT_EQ(Receive(own.get()), "mine");
  EXPECT_EQ(Receive(own.get()), "nothing");
  DatagramPath back;
  EXPECT_EQ(Receive(strays->get(), &back), "stray");
  EXPECT_EQ(Receive(strays->get()), "nothing");
  EXPECT_EQ(SendDatagram(strays->get(), "answer", back), 6);
  EXPECT_EQ(Receive(stranger.fd()), "answer");
  EXPECT_FALSE(BindUdp(transfer).ok()) << "no other program may share the port";
}

TEST_P(DatagramTest, EmptyAndLargestDatagramsPass) {
  Client client = NewClient();
  const UniqueFd accepted = Accept(client);
  const std::string largest(65507, 'x');
  client.Send("");
  client.Send(largest);
  EXPECT_EQ(Receive(accepted.get()), "");
  EXPECT_EQ(Receive(accepted.get()), largest);
}

INSTANTIATE_TEST_SUITE_P(V4, DatagramTest, testing::Values(Place{"127.0.0.1", "127.0.0.1", "127.0.0.1"}));
INSTANTIATE_TEST_SUITE_P(V6, DatagramTest, testing::Values(Place{"[::1]", "[::1]", "[::1]"}));
INSTANTIATE_TEST_SUITE_P(AnyV4, DatagramTest, testing::Values(Place{"0.0.0.0", "127.0.0.1", "127.0.0.1"}));
INSTANTIATE_TEST_SUITE_P(AnyV6, DatagramTest, testing::Values(Place{"[::]", "[::1]", "[::1]"}));
// An address that routing would not choose for the answer.
INSTANTIATE_TEST_SUITE_P(OtherV4, DatagramTest, testing::Values(Place{"0.0.0.0", "127.0.0.1", "127.0.0.2"}));

}  // namespace

}  // namespace polyserve
