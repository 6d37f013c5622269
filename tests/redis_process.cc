#include "tests/redis_process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/tool.h"

namespace polyserve {

namespace {

constexpr char kProgram[] = "/usr/bin/redis-server";

// One that is free, and that the system gives to nobody who asks for any port (ip(7), ip_local_port_range): Redis takes
// it only later, and again after Kill(), while other tests start servers. By chance, since those may look for one, too.
uint16_t FreePort() {
  constexpr uint16_t kFirst = 10000, kLast = 32000;
  std::random_device random;
  std::uniform_int_distribution<uint16_t> any(kFirst, kLast);
  for (int i = 0; i < 1000; ++i) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const uint16_t port = any(random);
    at.sin_port = htons(port);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0) return port;
  }
  ADD_FAILURE() << "no port is free";
  return 0;
}

}  // namespace

RedisProcess::RedisProcess(Options options) : options_(std::move(options)), port_(FreePort()) {
  if (!options_.certificate.empty()) directory_.Write("certificate", options_.certificate);
  if (!options_.key.empty()) directory_.Write("key", options_.key);
  Start();
}

RedisProcess::~RedisProcess() { Kill(); }

bool RedisProcess::IsInstalled() { return ::access(kProgram, X_OK) == 0; }

std::string RedisProcess::address() const { return absl::StrCat("127.0.0.1:", port_); }

std::string RedisProcess::url(absl::string_view user_and_password) const {
  return absl::StrCat(options_.certificate.empty() ? "redis://" : "rediss://", user_and_password, address(), "/0");
}

// Prepares everything before fork(): the test may have threads.
void RedisProcess::Start() {
  std::vector<std::string> arguments = {kProgram,     "--bind",  "127.0.0.1", "--dir", directory_.path(),
                                        "--loglevel", "warning", "--save",    "",      "--daemonize",
                                        "no"};
  const auto add = [&arguments](absl::string_view name, absl::string_view value) {
    arguments.push_back(absl::StrCat("--", name));
    arguments.emplace_back(value);
  };
  const bool has_tls = !options_.certificate.empty();
  add("port", has_tls ? "0" : absl::StrCat(port_));
  if (has_tls) {
    add("tls-port", absl::StrCat(port_));
    add("tls-cert-file", directory_.PathOf("certificate"));
    add("tls-key-file", directory_.PathOf("key"));
    add("tls-auth-clients", "no");
  }
  if (!options_.password.empty()) add("requirepass", options_.password);
  add("appendonly", options_.keeps_data ? "yes" : "no");
  if (options_.keeps_data) add("appendfsync", "always");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const UniqueFd log(::open(directory_.PathOf("log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0666));
  const pid_t test = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != test) ::_exit(127);
    ::dup2(log.get(), STDOUT_FILENO);
    ::dup2(log.get(), STDERR_FILENO);
    ::execv(kProgram, argv.data());
    ::_exit(127);
  }
  EXPECT_GT(pid_, 0);
  EXPECT_TRUE(Eventually([this] { return Answers(); })) << "Redis does not start: " << directory_.Read("log");
}

bool RedisProcess::Answers() const {
  Peer peer(address());
  if (!peer.connected() || !options_.certificate.empty()) return peer.connected();
  peer.Send("PING\r\n");
  const std::string answer = peer.ReadLine();
  return answer == "+PONG\r\n" || absl::StartsWith(answer, "-NOAUTH");
}

void RedisProcess::Stop() const { EXPECT_EQ(::kill(pid_, SIGSTOP), 0); }

void RedisProcess::Continue() const { EXPECT_EQ(::kill(pid_, SIGCONT), 0); }

void RedisProcess::Kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string RedisProcess::Ask(const std::vector<std::string>& words) const {
  std::vector<std::string> command = {"redis-cli", "-p", absl::StrCat(port_)};
  command.insert(command.end(), words.begin(), words.end());
  return RunTool(command, directory_.path()).output;
}

}  // namespace polyserve
