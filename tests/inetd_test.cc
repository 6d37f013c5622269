// --inetd: the server as a program that another one starts with a socket as its standard input. The test does what
// inetd(8) does; systemd's own version of it (systemd-socket-activate(1)) has a case as well.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/program_path.h"
#include "tests/server_process.h"
#include "tests/workers_test.h"

namespace polyserve {

namespace {

// A program that was started with this descriptor as its standard input, output and error, as inetd starts one.
class InetdProgram {
 public:
  InetdProgram(int socket, std::vector<std::string> command) {
    std::vector<char*> argv;
    for (std::string& argument : command) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    for (int standard = STDIN_FILENO; socket >= 0 && standard <= STDERR_FILENO; ++standard) {
      ::posix_spawn_file_actions_adddup2(&actions, socket, standard);
    }
    EXPECT_EQ(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0) << argv[0];
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ~InetdProgram() {
    if (pid_ <= 0 || has_ended_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  InetdProgram(const InetdProgram&) = delete;
  InetdProgram& operator=(const InetdProgram&) = delete;

  void Signal(int signal) const { ::kill(pid_, signal); }

  // The exit status; 128 + N if signal N ended it, -1 if it runs on.
  int AwaitEnd() {
    int status = 0;
    if (pid_ <= 0 || !Eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
    has_ended_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  // What this descriptor of it is: "/dev/null".
  std::string Target(int fd) const {
    char target[256];
    const ssize_t size = ::readlink(absl::StrCat("/proc/", pid_, "/fd/", fd).c_str(), target, sizeof(target));
    return size < 0 ? "" : std::string(target, static_cast<size_t>(size));
  }

 private:
  pid_t pid_ = -1;
  bool has_ended_ = false;
};

// As a service of inetd: its address is where inetd listens, and is not bound.
std::vector<std::string> Command(const std::string& model, const std::string& service) {
  return {ProgramPath("server"), absl::StrCat("--model=", model), "--inetd",
          absl::StrCat("--listen=", service, "://127.0.0.1:1"), "--stop_grace=100ms"};
}

class InetdTest : public testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<UniqueFd> listener = ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration());
    ASSERT_TRUE(listener.ok());
    listener_ = *std::move(listener);
    address_ = Endpoint::OfSocket(listener_.get())->ToString();
  }

  UniqueFd Accept() const {
    pollfd readable = {listener_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&readable, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))), 1);
    return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  UniqueFd listener_;
  std::string address_;
};

// A program for one client ("nowait"): it serves in one way under every model.
TEST_F(InetdTest, ServesTheConnectionThatIsItsStandardInputAndEndsWithIt) {
  for (const char* model : {"epoll", "fork", "exec"}) {
    Peer peer(address_);
    InetdProgram program(Accept().get(), Command(model, "echo"));
    peer.Send("ping");
    EXPECT_EQ(peer.Read(4), "ping") << model;
    peer.HalfClose();
    EXPECT_TRUE(peer.AwaitClose()) << model;
    EXPECT_EQ(program.AwaitEnd(), 0) << model;
  }
}

TEST_F(InetdTest, NothingButTheServiceWritesToTheClient) {
  Peer peer(address_);
  InetdProgram program(Accept().get(), Command("epoll", "echo"));
  EXPECT_TRUE(IsServed(peer));
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    EXPECT_EQ(program.Target(standard), "/dev/null");
  }
  program.Signal(SIGUSR1);
  program.Signal(SIGUSR2);  // No upgrade: there is nothing to hand on.
  EXPECT_TRUE(IsServed(peer));
  peer.HalfClose();
  EXPECT_EQ(peer.ReadToEnd(), "");
  EXPECT_EQ(program.AwaitEnd(), 0);
}

TEST_F(InetdTest, HttpReportsItsOneClient) {
  Peer peer(address_);
  InetdProgram program(Accept().get(), Command("prefork", "http"));
  peer.Send("GET /-/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string reply = peer.ReadToEnd();
  EXPECT_TRUE(absl::StartsWith(reply, "HTTP/1.1 200 ")) << reply;
  EXPECT_TRUE(absl::StrContains(absl::StrReplaceAll(reply, {{" ", ""}}), "\"accepted\":1")) << reply;
  EXPECT_EQ(program.AwaitEnd(), 0);
}

TEST_F(InetdTest, ChatIsARoomForOne) {
  Peer peer(address_);
  InetdProgram program(Accept().get(), Command("fork", "chat"));
  peer.Send("L ada\n");
  EXPECT_EQ(peer.ReadLine(), "OK\n");
  peer.HalfClose();
  peer.ReadToEnd();
  EXPECT_EQ(program.AwaitEnd(), 0);
}

TEST_F(InetdTest, StopEndsAConnectionWithoutARequest) {
  Peer peer(address_);
  InetdProgram program(Accept().get(), Command("thread", "echo"));
  EXPECT_TRUE(IsServed(peer));
  program.Signal(SIGTERM);
  EXPECT_TRUE(peer.AwaitClose());
  EXPECT_EQ(program.AwaitEnd(), 0);
}

// socat(1) and others start programs with a UNIX socket, whose other end they pass bytes on from.
TEST_F(InetdTest, ServesAUnixSocket) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd own(ends[0]);
  UniqueFd others(ends[1]);
  InetdProgram program(others.get(), Command("epoll", "http"));
  others.reset();
  const std::string request = "GET /-/status HTTP/1.0\r\n\r\n";
  ASSERT_EQ(::send(own.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  char reply[12];
  ASSERT_EQ(::recv(own.get(), reply, sizeof(reply), MSG_WAITALL), static_cast<ssize_t>(sizeof(reply)));
  EXPECT_EQ(std::string(reply, sizeof(reply)), "HTTP/1.1 200");
  ::shutdown(own.get(), SHUT_WR);
  char rest[4096];
  while (::recv(own.get(), rest, sizeof(rest), 0) > 0) continue;
  EXPECT_EQ(program.AwaitEnd(), 0);
}

// A program for all clients ("wait"): the model serves them, and the socket stays inetd's.
TEST_F(InetdTest, ServesTheClientsOfASocketThatListensUnderEachModel) {
  const std::vector<std::vector<std::string>> models = {
      {"--model=loop"},
      {"--model=fork"},
      {"--model=multiprocess", "--start_method=spawn"},
      {"--model=exec"},
      {"--model=prefork", "--accept=reuseport"},
      {"--model=threadpool", "--accept=pass"},
      {"--model=epoll", "--workers=2", "--worker_type=process"},
      {"--model=halfsync"},
  };
  for (const std::vector<std::string>& model : models) {
    std::vector<std::string> flags = {"--inetd", "--listen=echo://127.0.0.1:1", "--stop_grace=100ms"};
    flags.insert(flags.end(), model.begin(), model.end());
    ServerProcess server({.flags = flags, .input = listener_.get()});
    ASSERT_TRUE(server.ready()) << model.front();
    EXPECT_EQ(server.address("echo"), address_);
    for (int i = 0; i < 3; ++i) {
      Peer peer(address_);
      EXPECT_TRUE(IsServed(peer)) << model.front();
    }
    server.Signal(SIGTERM);
    EXPECT_EQ(server.AwaitExit(), 0) << model.front();
    EXPECT_TRUE(Peer(address_).connected()) << model.front();
    Accept();
  }
}

TEST_F(InetdTest, ServiceOfTheOtherTransportIsRefused) {
  ServerProcess server({.flags = {"--inetd", "--listen=echo+udp://127.0.0.1:1"}, .input = listener_.get()});
  EXPECT_FALSE(server.ready());
  EXPECT_EQ(server.AwaitExit(), 2);
  EXPECT_TRUE(absl::StrContains(server.log(), "standard input is a socket of TCP")) << server.log();
}

TEST_F(InetdTest, StandardInputThatIsNoSocketIsRefused) {
  const ServerRun run = RunServer({"--inetd", "--listen=echo://127.0.0.1:1"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_TRUE(absl::StrContains(run.log, "standard input is no socket")) << run.log;
}

// Its client is a UNIX socket in the abstract namespace, whose name no path limits.
TEST_F(InetdTest, SystemdStartsOneForEachClient) {
  constexpr char kActivate[] = "/usr/bin/systemd-socket-activate";
  if (::access(kActivate, X_OK) != 0) GTEST_SKIP() << kActivate << " is not installed";
  const std::string name = absl::StrCat("polyserve-inetd-test-", ::getpid());
  std::vector<std::string> command = {kActivate, "--accept", "--inetd", absl::StrCat("--listen=@", name)};
  const std::vector<std::string> started = Command("epoll", "echo");
  command.insert(command.end(), started.begin(), started.end());
  const InetdProgram systemd(-1, command);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  ASSERT_LT(name.size() + 1, sizeof(address.sun_path));
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const socklen_t size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  for (int i = 0; i < 2; ++i) {
    const UniqueFd peer(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_TRUE(
        Eventually([&] { return ::connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0; }));
    char answer[4];
    EXPECT_EQ(::send(peer.get(), "ping", 4, MSG_NOSIGNAL), 4);
    EXPECT_EQ(::recv(peer.get(), answer, sizeof(answer), MSG_WAITALL), 4);
    EXPECT_EQ(std::string(answer, sizeof(answer)), "ping");
  }
}

}  // namespace

}  // namespace polyserve
