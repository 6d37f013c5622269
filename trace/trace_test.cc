// A trace holds what each thread and each child did, in calls that look like any others.
#include "trace/trace.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

// A record, as tools/xray reads it: out of the file.
struct Entry {
  uint64_t begin, end;
  int32_t pid, tid, fd, result;
  uint16_t kind, port;
  uint32_t skipped, callers[TraceRecord::kCallers];
};
static_assert(sizeof(Entry) == sizeof(TraceRecord));

// One trace for all cases, since it can be opened once in a process; each case looks at what it has added.
class TraceTest : public testing::Test {
 protected:
  static std::string path() { return absl::StrCat(testing::TempDir(), "/trace"); }
  static void SetUpTestSuite() { ASSERT_TRUE(Trace::Open(path()).ok()); }

  TraceTest() : seen_(All().size()) {}

  static std::vector<Entry> All() {
    struct Header {
      char magic[8];
      uint32_t record_bytes, unused;
      uint64_t most, next;
    } header;
    const UniqueFd file(::open(path().c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::pread(file.get(), &header, sizeof(header), 0), static_cast<ssize_t>(sizeof(header)));
    EXPECT_EQ(std::memcmp(header.magic, "PSTRACE2", 8), 0);
    std::vector<Entry> entries(header.next);
    const size_t bytes = entries.size() * sizeof(Entry);
    EXPECT_EQ(::pread(file.get(), entries.data(), bytes, sizeof(header)), static_cast<ssize_t>(bytes));
    return entries;
  }

  // Of this kind, since the case began.
  std::vector<Entry> Added(Traced kind) const {
    std::vector<Entry> found;
    const std::vector<Entry> all = All();
    for (size_t i = seen_; i < all.size(); ++i) {
      if (all[i].kind == static_cast<uint16_t>(kind)) found.push_back(all[i]);
    }
    return found;
  }

 private:
  const size_t seen_;
};

struct Pair {
  Pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0); }
  ~Pair() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  int fds[2];
};

// Of the network: both ends, and the port of the client's.
struct Connection {
  Connection() : client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener.get(), any, size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    EXPECT_EQ(::getsockname(listener.get(), any, &size), 0);
    EXPECT_EQ(::connect(client.get(), any, size), 0);
    server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_EQ(::getsockname(client.get(), any, &size), 0);
    port = ntohs(address.sin_port);
  }
  UniqueFd client, server;
  uint16_t port = 0;
};

TEST_F(TraceTest, CallHasItsTimesItsDescriptorItsResultAndItsPlace) {
  const Pair pair;
  const uint64_t before = Trace::Now();
  EXPECT_EQ(::send(pair.fds[0], "abc", 3, 0), 3);
  const std::vector<Entry> sent = Added(Traced::kWrite);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_GE(sent[0].begin, before);
  EXPECT_GE(sent[0].end, sent[0].begin);
  EXPECT_EQ(sent[0].pid, ::getpid());
  EXPECT_EQ(sent[0].tid, ::gettid());
  EXPECT_EQ(sent[0].fd, pair.fds[0]);
  EXPECT_EQ(sent[0].result, 3);
  EXPECT_NE(sent[0].callers[0], 0u);
}

#ifdef POLYSERVE_FRAME_POINTERS
[[gnu::noinline]] ssize_t SendByte(int fd) { return ::send(fd, "x", 1, 0); }

TEST_F(TraceTest, FunctionsAroundTheCallFollowIt) {
  const Pair pair;
  EXPECT_EQ(SendByte(pair.fds[0]), 1);
  EXPECT_EQ(SendByte(pair.fds[0]), 1);
  const std::vector<Entry> sent = Added(Traced::kWrite);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].callers[0], sent[1].callers[0]) << "both return into SendByte()";
  EXPECT_NE(sent[0].callers[1], sent[1].callers[1]) << "which returns to two places";
  EXPECT_NE(sent[0].callers[1], 0u);
}
#endif

TEST_F(TraceTest, CallThatFindsNothingIsCountedByTheNextRecord) {
  const Pair pair;
  char byte;
  for (int i = 0; i < 5; ++i) {
    errno = 0;
    EXPECT_EQ(::recv(pair.fds[1], &byte, 1, 0), -1);
    EXPECT_EQ(errno, EAGAIN) << "the caller sees it as ever";
  }
  EXPECT_EQ(::send(pair.fds[0], "a", 1, 0), 1);
  EXPECT_EQ(::recv(pair.fds[1], &byte, 1, 0), 1);
  const std::vector<Entry> sent = Added(Traced::kWrite), read = Added(Traced::kRead);
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(sent[0].skipped, 5u);
  EXPECT_EQ(read[0].skipped, 0u);
}

TEST_F(TraceTest, FailureIsTheNegativeErrno) {
  char byte;
  EXPECT_EQ(::recv(-1, &byte, 1, 0), -1);
  EXPECT_EQ(errno, EBADF);
  const std::vector<Entry> read = Added(Traced::kRead);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].result, -EBADF);
}

TEST_F(TraceTest, ThreadsAndChildrenHaveRecordsOfTheirOwn) {
  const Pair pair;
  std::thread([&pair] { ::send(pair.fds[0], "t", 1, 0); }).join();
  const pid_t child = ::fork();
  if (child == 0) {
    ::send(pair.fds[0], "c", 1, 0);
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  const std::vector<Entry> sent = Added(Traced::kWrite);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].pid, ::getpid());
  EXPECT_NE(sent[0].tid, ::gettid());
  EXPECT_EQ(sent[1].pid, child);
  EXPECT_EQ(sent[1].tid, child);
  EXPECT_EQ(Added(Traced::kFork).size(), 2u) << "one of the parent, one of the child";
  ASSERT_EQ(Added(Traced::kReap).size(), 1u);
  EXPECT_EQ(Added(Traced::kReap)[0].result, child);
}

TEST_F(TraceTest, ProgramThatIsStartedIsNotedWithItsPidAndOneThatIsNotWithTheError) {
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  pid_t program = -1, none = -1;
  ASSERT_EQ(::posix_spawn(&program, "/bin/true", nullptr, nullptr, arguments, environ), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(program, &status, 0), program);
  EXPECT_EQ(::posix_spawn(&none, "/none/such", nullptr, nullptr, arguments, environ), ENOENT);
  const std::vector<Entry> started = Added(Traced::kSpawn);
  ASSERT_EQ(started.size(), 2u);
  EXPECT_EQ(started[0].pid, ::getpid());
  EXPECT_EQ(started[0].result, program);
  EXPECT_EQ(started[1].result, -ENOENT);
}

// A child that was forked stands for the program: it joins in the same way.
TEST_F(TraceTest, ProgramThatJoinsHasItsBirthAndTheConnectionsThatItWasGiven) {
  const Connection given;
  const Pair pair;
  const pid_t program = ::fork();
  if (program == 0) ::_exit(Trace::Join(path()).ok() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(::waitpid(program, &status, 0), program);
  EXPECT_EQ(status, 0);
  const std::vector<Entry> born = Added(Traced::kSpawn), inherited = Added(Traced::kInherit);
  ASSERT_EQ(born.size(), 1u);
  EXPECT_EQ(born[0].pid, program);
  EXPECT_EQ(born[0].result, 0);
  const auto port_of = [&inherited](int fd) {
    const auto found =
        std::find_if(inherited.begin(), inherited.end(), [fd](const Entry& entry) { return entry.fd == fd; });
    return found == inherited.end() ? 0 : found->port;
  };
  EXPECT_EQ(port_of(given.server.get()), given.port);
  EXPECT_EQ(port_of(pair.fds[0]), 0) << "no client is at the other end";
}

TEST_F(TraceTest, WakeUpsAreToldFromDataAndFilesHaveNoRecord) {
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  uint64_t count = 1;
  EXPECT_EQ(::write(event.get(), &count, sizeof(count)), 8);
  EXPECT_EQ(::read(event.get(), &count, sizeof(count)), 8);
  EXPECT_EQ(Added(Traced::kWake).size(), 1u);
  EXPECT_EQ(Added(Traced::kWoken).size(), 1u);
  char large[100] = {};
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(::write(null.get(), large, sizeof(large)), 100);
  EXPECT_EQ(Added(Traced::kWake).size(), 1u);
  EXPECT_TRUE(Added(Traced::kWrite).empty());
}

TEST(TraceFileTest, WhatIsNoTraceIsNotJoined) {
  // Of this process: run by hand, the directory has what an earlier run has left.
  const std::string path = absl::StrCat(testing::TempDir(), "/other-", ::getpid());
  EXPECT_EQ(Trace::Join(path).code(), absl::StatusCode::kNotFound);
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  EXPECT_EQ(::write(file.get(), "x", 1), 1);
  EXPECT_EQ(Trace::Join(path).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(Trace::Open("/none/such").ok());
  EXPECT_EQ(::unlink(path.c_str()), 0);
}

}  // namespace
}  // namespace polyserve
