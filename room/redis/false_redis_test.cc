// RedisLink with something else than Redis at the other end, or with a Redis that answers at unlikely moments.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/endpoint.h"
#include "net/socket.h"
#include "room/redis/linked_node.h"
#include "room/room.h"
#include "tests/eventually.h"

namespace polyserve {
namespace {

using Node = LinkedNode;

// Takes connections, sends each these bytes at once, whatever is asked, and keeps what it is sent. The link opens two
// at a time, and first the one that it writes to.
class FalseRedis {
 public:
  explicit FalseRedis(const std::string& bytes) : FalseRedis(bytes, bytes) {}
  FalseRedis(std::string for_writer, std::string for_reader)
      : bytes_{std::move(for_writer), std::move(for_reader)},
        listener_(*ListenTcp(*Endpoint::Parse("127.0.0.1:0"), absl::InfiniteDuration())) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    end_.reset(ends[0]);
    alive_.reset(ends[1]);
    thread_ = std::thread([this] { Run(); });
  }
  ~FalseRedis() {
    alive_.reset();
    thread_.join();
  }

  std::string url() const { return absl::StrCat("redis://", Endpoint::OfSocket(listener_.get())->ToString(), "/0"); }
  // What came by each connection so far, in the order in which they were taken.
  std::vector<std::string> heard() const {
    MutexLock lock(mutex_);
    return heard_;
  }

 private:
  void Run() {
    std::vector<UniqueFd> connections;  // By their number; none for those that have ended.
    while (true) {
      std::vector<pollfd> waits = {{end_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      for (const UniqueFd& fd : connections) waits.push_back({fd.get(), POLLIN, 0});
      ::poll(waits.data(), waits.size(), -1);
      if (waits[0].revents != 0) return;
      for (size_t i = 0; i < connections.size(); ++i) {
        if (waits[i + 2].revents != 0 && !Receive(connections[i].get(), i)) connections[i].reset();
      }
      if (waits[1].revents == 0) continue;
      UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd.ok()) continue;
      const std::string& bytes = bytes_[connections.size() % 2];
      [[maybe_unused]] const ssize_t sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      connections.push_back(std::move(fd));
      MutexLock lock(mutex_);
      heard_.emplace_back();
    }
  }
  bool Receive(int fd, size_t connection) {
    char bytes[4096];
    const ssize_t count = ::recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (count <= 0) return false;
    MutexLock lock(mutex_);
    heard_[connection].append(bytes, static_cast<size_t>(count));
    return true;
  }

  const std::string bytes_[2];
  const UniqueFd listener_;
  UniqueFd end_, alive_;  // A pipe.
  mutable Mutex mutex_;
  std::vector<std::string> heard_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

std::string Bulk(absl::string_view text) { return absl::StrCat("$", text.size(), "\r\n", text, "\r\n"); }

// A new process frees the names that an earlier one of the same server has left, by its first command. If it is not
// known whether Redis has carried that out, it is repeated; so Redis must have nothing else of this process yet.
TEST(FalseRedisTest, NewProcessSaysNothingBeforeItsFirstCommandIsAnswered) {
  const FalseRedis redis("+PONG\r\n");
  Node a(redis.url(), {}, 0, absl::Milliseconds(200));
  const std::unique_ptr<Member> ada = a.Join("ada");
  ada->Say("hello");
  EXPECT_TRUE(Eventually([&redis] { return redis.heard().size() >= 8; }));
  int repeated = 0;
  for (const std::string& heard : redis.heard()) {
    repeated += absl::StrContains(heard, "\r\nfresh\r\n") ? 1 : 0;
    EXPECT_FALSE(absl::StrContains(heard, "ada")) << heard;
  }
  EXPECT_GE(repeated, 2);
}

// Whoever hears of a departure finds the name free, even if this server dies at that moment: it is one command.
TEST(FalseRedisTest, MemberDepartsAndGivesItsNameBackByOneCommand) {
  const FalseRedis redis("+PONG\r\n:0\r\n*0\r\n*1\r\n:1\r\n:1\r\n:1\r\n", "+PONG\r\n*0\r\n");
  Node a(redis.url(), {.expiry = absl::Hours(1)});
  a.Join("ada")->Leave();
  const auto commands = [&redis] {
    std::vector<std::string> commands;
    for (const std::string& heard : redis.heard()) {
      if (!absl::StrContains(heard, "polyserve:names")) continue;
      for (absl::string_view one : absl::StrSplit(heard, "\r\n*")) commands.emplace_back(one);
    }
    return commands;
  };
  std::string last;
  EXPECT_TRUE(Eventually([&] {
    const std::vector<std::string> sent = commands();
    last = sent.empty() ? "" : sent.back();
    return absl::StrContains(last, "HDEL") && absl::StrContains(last, "XADD") && absl::StrContains(last, Bulk("d"));
  })) << last;
}

// What Redis answers may have come by the time that it is looked for, at any point: poll(2) does not report it then.
TEST(FalseRedisTest, AnswersThatHaveComeAlreadyAreTaken) {
  std::string writer = "+PONG\r\n:0\r\n*0\r\n*1\r\n:1\r\n", reader = "+PONG\r\n*0\r\n";
  for (int i = 0; i < 10; ++i) writer += ":1\r\n";
  constexpr int kLines = 50;  // More than there are other reasons to look.
  for (int i = 1; i <= kLines; ++i) {
    absl::StrAppend(&reader, "*1\r\n*2\r\n", Bulk("polyserve:room"), "*1\r\n*2\r\n", Bulk(absl::StrCat(i, "-0")),
                    "*10\r\n", Bulk("o"), Bulk("other"), Bulk("n"), Bulk(absl::StrCat(i)), Bulk("k"), Bulk("s"));
    absl::StrAppend(&reader, Bulk("f"), Bulk("ada"), Bulk("t"), Bulk(absl::StrCat("line ", i)));
  }
  const FalseRedis redis(writer, reader);
  Node a(redis.url(), {.expiry = absl::Hours(1)}, kLines);
  const std::unique_ptr<Member> bob = a.Join("bob");
  std::string expected;
  for (int i = 1; i <= kLines; ++i) absl::StrAppend(&expected, "ada : line ", i, "\n");
  EXPECT_EQ(HearUntil(*bob, absl::StrCat("ada : line ", kLines, "\n")), expected);
}

TEST(FalseRedisTest, GarbageIsNoRedisAndTheRoomIsAlone) {
  for (const std::string& garbage :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("*2000000000\r\n"), std::string(100000, '\0'),
        std::string("+PONG\r\n*1\r\n*1\r\n:1\r\n*1\r\n$5\r\nhello\r\n:99\r\n"),
        std::string("+PONG\r\n:0\r\n*0\r\n*0\r\n+what\r\n"), std::string("$999999999\r\n")}) {
    const FalseRedis redis(garbage);
    Node a(redis.url(), {}, 0, absl::Milliseconds(200));
    const std::unique_ptr<Member> ada = a.Join("ada"), bob = a.Join("bob");
    ada->Say("hello");
    HearUntil(*bob, "ada : hello\n");
    EXPECT_TRUE(Eventually([&redis] { return redis.heard().size() >= 8; })) << "it tries again";
  }
}

}  // namespace
}  // namespace polyserve
