// What is left to a process in the sandbox, tried in a child process for each case: nothing takes the sandbox back.
#include "lifecycle/sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "lifecycle/call_filter.h"
#include "lifecycle/file_rules.h"
#include "net/process.h"

namespace polyserve {

namespace {

// Not by SysError(): if the last call has succeeded, errno says nothing, and that would be no error.
absl::Status Unexpected() { return absl::InternalError(absl::StrCat("the last error was: ", std::strerror(errno))); }

class SandboxTest : public testing::Test {
 protected:
  // Two directories, of which the first one is in the rules.
  void SetUp() override {
    if (const absl::Status status = Sandbox(Sandbox::Options{}).Check(); !status.ok()) GTEST_SKIP() << status.message();
    base_ = testing::TempDir() + "/sandbox-XXXXXX";
    ASSERT_NE(::mkdtemp(base_.data()), nullptr);
    for (const char* name : {"/in", "/out"}) {
      std::filesystem::create_directory(base_ + name);
      std::ofstream(base_ + name + "/file") << "hello";
    }
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  // Runs the calls in a sandbox, and expects that it returns true. What they find out they have to check themselves.
  void ExpectInSandbox(const std::function<bool()>& calls, FileRights rights = kReadFiles, CallNeeds needs = {},
                       const std::vector<uint16_t>& tcp_ports = {}) {
    const Sandbox sandbox({.files = {{In(""), rights}}, .tcp_ports = tcp_ports, .calls = needs});
    const absl::Status status = TryInChild([&] {
      absl::Status entered = sandbox.RestrictFiles();
      if (entered.ok()) entered = sandbox.RestrictCalls();
      if (!entered.ok()) return entered;
      return calls() ? absl::OkStatus() : Unexpected();
    });
    EXPECT_TRUE(status.ok()) << status.message();
  }

  std::string In(const std::string& name) const { return absl::StrCat(base_, "/in/", name); }
  std::string Out(const std::string& name) const { return absl::StrCat(base_, "/out/", name); }

 private:
  std::string base_;
};

bool Opens(const std::string& path, int flags = O_RDONLY) {
  return UniqueFd(::open(path.c_str(), flags | O_CLOEXEC, 0600)).ok();
}
bool IsRefusedToOpen(const std::string& path, int flags = O_RDONLY) { return !Opens(path, flags) && errno == EACCES; }
bool IsRefused(int64_t result) { return result == -1 && errno == EPERM; }
bool HasSocket(int family, int type, int protocol = 0) {
  return UniqueFd(::socket(family, type | SOCK_CLOEXEC, protocol)).ok();
}

TEST_F(SandboxTest, FilesOfTheRulesAreReadAndNoOthers) {
  ExpectInSandbox([this] {
    return Opens(In("file")) && IsRefusedToOpen(Out("file")) && IsRefusedToOpen(In("../out/file")) &&
           IsRefusedToOpen("/etc/passwd") && IsRefusedToOpen("/");
  });
}

TEST_F(SandboxTest, LinkThatLeadsOutIsOfNoUse) {
  std::filesystem::create_symlink(Out("file"), In("link"));
  ExpectInSandbox([this] { return IsRefusedToOpen(In("link")); });
}

TEST_F(SandboxTest, FilesThatMayBeReadCannotBeChanged) {
  ExpectInSandbox([this] {
    return IsRefusedToOpen(In("file"), O_WRONLY) && IsRefusedToOpen(In("new"), O_CREAT | O_WRONLY) &&
           IsRefused(::unlink(In("file").c_str())) && IsRefused(::rename(In("file").c_str(), In("b").c_str())) &&
           IsRefused(::mkdir(In("directory").c_str(), 0700)) && IsRefused(::truncate(In("file").c_str(), 0)) &&
           IsRefused(::chmod(In("file").c_str(), 0777));
  });
}

TEST_F(SandboxTest, FilesAreStoredWhereTheyMayBe) {
  const auto calls = [this] {
    return Opens(In("new"), O_CREAT | O_WRONLY) && ::rename(In("new").c_str(), In("file").c_str()) == 0 &&
           ::mkdir(In("directory").c_str(), 0700) == 0 && IsRefusedToOpen(Out("new"), O_CREAT | O_WRONLY) &&
           ::unlink(Out("file").c_str()) == -1 && errno == EACCES && ::mkfifo(In("fifo").c_str(), 0600) == -1 &&
           ::symlink("file", In("link").c_str()) == -1;
  };
  ExpectInSandbox(calls, kReadFiles | kStoreFiles, {.stores_files = true});
}

TEST_F(SandboxTest, NoSocketLeadsOut) {
  ExpectInSandbox([] {
    for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_PACKET}) {
      for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW}) {
        if (HasSocket(family, type) || errno != EPERM) return false;
      }
    }
    return true;
  });
}

// The processes of a server are connected by these. One of datagrams could send to any socket that has a name.
TEST_F(SandboxTest, PairsOfSocketsAreThoseThatStayConnected) {
  ExpectInSandbox([] {
    const auto make_pair = [](int type) {
      int ends[2];
      if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return errno;
      for (const int end : ends) ::close(end);
      return 0;
    };
    return make_pair(SOCK_STREAM) == 0 && make_pair(SOCK_SEQPACKET | SOCK_NONBLOCK) == 0 &&
           make_pair(SOCK_DGRAM) == EPERM && make_pair(SOCK_DGRAM | SOCK_NONBLOCK) == EPERM &&
           make_pair(SOCK_RAW) == EPERM;
  });
}

TEST_F(SandboxTest, ServerOfDatagramsMakesSocketsForThemAlone) {
  const auto calls = [] {
    return HasSocket(AF_INET, SOCK_DGRAM) && HasSocket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK) &&
           !HasSocket(AF_INET, SOCK_STREAM) && !HasSocket(AF_INET, SOCK_RAW) && !HasSocket(AF_UNIX, SOCK_DGRAM);
  };
  ExpectInSandbox(calls, kReadFiles, {.has_datagrams = true});
}

// Nothing listens at these ports: a connection that is allowed is refused by the other side.
TEST_F(SandboxTest, ServerThatAsksOthersConnectsToTheirPortsAlone) {
  const int version = *LandlockVersion();
  const auto connect_to = [](uint16_t port) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ? 0 : errno;
  };
  const auto calls = [&] {
    return connect_to(1) == ECONNREFUSED && connect_to(2) == (version >= kLandlockWithTcp ? EACCES : ECONNREFUSED) &&
           HasSocket(AF_INET6, SOCK_STREAM) && !HasSocket(AF_INET, SOCK_DGRAM) && !HasSocket(AF_UNIX, SOCK_STREAM);
  };
  ExpectInSandbox(calls, kReadFiles, {.asks_servers = true}, {1});
}

// Landlock judges connect(2) of TCP, and neither of these.
TEST_F(SandboxTest, ServerThatAsksOthersHasNoOtherWayToConnect) {
  const auto connect_by_send = [](const char* text) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(2);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::sendto(fd.get(), text, 1, MSG_FASTOPEN, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ? 0
                                                                                                              : errno;
  };
  const auto calls = [&] {
    const UniqueFd by_several_paths(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP));
    return !by_several_paths.ok() && errno == EPERM && connect_by_send("x") == EPERM;
  };
  ExpectInSandbox(calls, kReadFiles, {.asks_servers = true}, {1});
}

TEST_F(SandboxTest, NoProgramIsStartedAndNoMemoryBecomesCode) {
  ExpectInSandbox([] {
    char name[] = "/bin/true";
    char* const arguments[] = {name, nullptr};
    if (!IsRefused(::execv(name, arguments))) return false;
    if (::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) return false;
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && IsRefused(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
  });
}

// execve(2) itself may be needed; which file it may execute, the rules about files say.
TEST_F(SandboxTest, ServerThatStartsProgramsStartsNoOthersThanThoseOfTheRules) {
  const auto calls = [] {
    char name[] = "/bin/true";
    char* const arguments[] = {name, nullptr};
    return ::execv(name, arguments) == -1 && errno == EACCES;
  };
  ExpectInSandbox(calls, kReadFiles, {.starts_programs = true});
}

TEST_F(SandboxTest, CallsThatServingDoesNotNeedAreRefused) {
  ExpectInSandbox([] {
    return IsRefused(::unshare(CLONE_NEWUSER)) &&
           IsRefused(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)) &&
           IsRefused(::syscall(SYS_ptrace, 0, 0, 0, 0)) && IsRefused(::syscall(SYS_io_uring_setup, 1, nullptr)) &&
           IsRefused(::syscall(SYS_bpf, 0, nullptr, 0)) && IsRefused(::syscall(SYS_keyctl, 0, 0, 0, 0, 0));
  });
}

TEST_F(SandboxTest, ChildrenAndThreadsAreInItAsWell) {
  ExpectInSandbox([this] {
    bool is_refused = false;
    std::thread([&] { is_refused = IsRefusedToOpen(Out("file")) && !HasSocket(AF_INET, SOCK_STREAM); }).join();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(IsRefusedToOpen(Out("file")) && !HasSocket(AF_INET, SOCK_STREAM) ? 0 : 1);
    int status = -1;
    return is_refused && child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
  });
}

// Of the kernel's version that knows how; a process of our own, so that nothing is harmed if it does not.
TEST_F(SandboxTest, ProcessesOutsideGetNoSignal) {
  if (*LandlockVersion() < 6) GTEST_SKIP() << "needs Landlock 6 (Linux 6.12)";
  const pid_t test = ::getpid();
  ExpectInSandbox([test] { return IsRefused(::kill(test, 0)) && ::kill(::getpid(), 0) == 0; });
}

TEST_F(SandboxTest, FileOfARuleThatIsMissingIsNamed) {
  const absl::Status status = TryInChild([] {
    return Sandbox({.files = {{"/no/such/file", kReadFiles}}, .calls = {}}).RestrictFiles();
  });
  EXPECT_EQ(status.message(), "--sandbox=on: open /no/such/file: No such file or directory");
}

TEST_F(SandboxTest, WithoutItNothingIsGivenUp) {
  const absl::Status status = TryInChild([this] {
    const Sandbox none;
    if (!none.Check().ok() || !none.RestrictFiles().ok() || !none.RestrictCalls().ok()) return Unexpected();
    return Opens(Out("file")) && HasSocket(AF_INET, SOCK_STREAM) ? absl::OkStatus() : Unexpected();
  });
  EXPECT_TRUE(status.ok()) << status.message();
}

}  // namespace

}  // namespace polyserve
