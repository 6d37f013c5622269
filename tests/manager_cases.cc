// What a service manager such as systemd does with the server: it passes sockets (LISTEN_FDS), and hears how the server
// is (NOTIFY_SOCKET).
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

constexpr char kShortGrace[] = "--stop_grace=100ms";

// The manager's end of NOTIFY_SOCKET. Servers that are started while it lives speak to it.
class NotifySocket {
 public:
  // Without a name the kernel chooses an abstract one (unix(7), "Autobind feature"). The path of a file might be too
  // long.
  NotifySocket() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    sockaddr* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), any, sizeof(address.sun_family)), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::getsockname(socket_.get(), any, &size), 0);
    const std::string name(address.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
    ::setenv("NOTIFY_SOCKET", absl::StrCat("@", name).c_str(), 1);
  }
  ~NotifySocket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
  }

  // The next message; "" if none comes.
  std::string Next() const {
    pollfd readable = {socket_.get(), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))) != 1) return "";
    char message[4096];
    const ssize_t size = ::recv(socket_.get(), message, sizeof(message), 0);
    return size < 0 ? "" : std::string(message, static_cast<size_t>(size));
  }

  // Takes all messages until none has come for this long. False if that does not happen within twice the time.
  bool FallsSilent(absl::Duration silence) const {
    const absl::Time end = absl::Now() + 2 * silence;
    while (Hears(silence)) {
      if (absl::Now() > end) return false;
    }
    return true;
  }

 private:
  // Takes one message if it comes within this time.
  bool Hears(absl::Duration time) const {
    pollfd readable = {socket_.get(), POLLIN, 0};
    char message[64];
    return ::poll(&readable, 1, static_cast<int>(absl::ToInt64Milliseconds(time))) == 1 &&
           ::recv(socket_.get(), message, sizeof(message), 0) >= 0;
  }

  const UniqueFd socket_;
};

class ManagerTest : public EveryModelTest {
 protected:
  // Starts a server with a socket that the test has bound, and keeps.
  void StartWith(const UniqueFd& socket, const std::string& address) {
    StartServer({.flags = {absl::StrCat("--listen=echo://", address), kShortGrace},
                 .listeners = {socket.get()},
                 .listener_names = "echo.socket"});
  }
};

TEST_F(ManagerTest, ClientsThatComeBetweenTwoServersWaitInTheManagersSocket) {
  const absl::StatusOr<UniqueFd> socket = ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  ASSERT_TRUE(socket.ok());
  const std::string address = Endpoint::OfSocket(socket->get())->ToString();
  StartWith(*socket, address);
  EXPECT_EQ(server().address("echo"), address);
  ExpectServesOthers();
  server().Signal(SIGTERM);
  ExpectCleanExit();
  Peer between(address);
  EXPECT_TRUE(between.connected());
  between.Send("ping");
  StartWith(*socket, address);
  EXPECT_EQ(between.Read(4), "ping");
  between.HalfClose();
  // The socket is the manager's even if the server has handed it on.
  ASSERT_TRUE(server().Upgrade());
  server().AwaitPredecessors();
  ExpectServesOthers();
  server().Signal(SIGTERM);
  ExpectCleanExit();
  EXPECT_TRUE(Peer(address).connected());
}

TEST_F(ManagerTest, PortZeroIsTheSocketWithTheNameOfTheService) {
  const absl::StatusOr<UniqueFd> other = ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  const absl::StatusOr<UniqueFd> socket = ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
  ASSERT_TRUE(other.ok() && socket.ok());
  StartServer({.flags = {"--listen=echo://127.0.0.1:0,file://127.0.0.1:0", kShortGrace},
               .listeners = {other->get(), socket->get()},
               .listener_names = "file:echo"});
  EXPECT_EQ(server().address("echo"), Endpoint::OfSocket(socket->get())->ToString());
  EXPECT_EQ(server().address("file"), Endpoint::OfSocket(other->get())->ToString());
  ExpectServesOthers();
}

TEST_F(ManagerTest, HearsHowTheServerIs) {
  const NotifySocket manager;
  StartServer({kShortGrace});
  EXPECT_EQ(manager.Next(), "READY=1");
  server().Signal(SIGHUP);
  EXPECT_TRUE(absl::StartsWith(manager.Next(), "RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_EQ(manager.Next(), "READY=1");
  ASSERT_TRUE(server().Upgrade());
  EXPECT_EQ(manager.Next(), absl::StrCat("MAINPID=", server().pid(), "\nREADY=1"));
  server().AwaitPredecessors();
  server().Signal(SIGTERM);
  EXPECT_EQ(manager.Next(), "STOPPING=1");
  ExpectCleanExit();
}

TEST_F(ManagerTest, WatchdogHearsThatTheServerIsAlive) {
  const NotifySocket manager;
  ::setenv("WATCHDOG_USEC", "50000", 1);
  StartServer({kShortGrace});
  EXPECT_EQ(manager.Next(), "READY=1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(manager.Next(), "WATCHDOG=1");
  ExpectServesOthers();
  ASSERT_TRUE(server().Upgrade());
  std::string message;
  EXPECT_TRUE(Eventually([&] { return (message = manager.Next()) != "WATCHDOG=1"; }));
  EXPECT_EQ(message, absl::StrCat("MAINPID=", server().pid(), "\nREADY=1"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(manager.Next(), "WATCHDOG=1");  // The new one's.
}

// While a task lasts, a loop does nothing else. The manager's socket holds some ten messages that nobody has read, so a
// watchdog that heard of the process instead of the loop would fill it.
TEST_F(ManagerTest, WatchdogHearsNothingFromALoopThatHangs) {
  if (!can().keeps_clients_apart || can().computes_apart || can().serves_elsewhere || !can().shares_memory) {
    GTEST_SKIP() << "the thread that answers signals computes for no client";
  }
  const NotifySocket manager;
  ::setenv("WATCHDOG_USEC", "10000", 1);
  StartServer({kShortGrace});
  EXPECT_EQ(manager.Next(), "READY=1");
  Peer peer = Connect("compute");
  peer.Send("PRIMES 5000000\n");
  EXPECT_TRUE(Eventually([&] { return manager.FallsSilent(absl::Milliseconds(100)); }));
  EXPECT_EQ(peer.ReadLine(), "OK 838596693108\n");
  EXPECT_EQ(manager.Next(), "WATCHDOG=1");
}

}  // namespace

}  // namespace polyserve
