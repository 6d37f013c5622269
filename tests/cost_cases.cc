// What a connection and a request cost the server in system calls, counted by strace(1): within the bounds of a table,
// whether or not the server also has a chat, datagrams, or 200 idle clients. No model pays for what it is not. Also:
// workers that run at the same time count in rows of counters of their own.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "net/statistics.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/proc.h"

namespace polyserve {

namespace {

constexpr int kConnections = 20;
constexpr int kRequests = 100;

// The most system calls for one connection with one request, and for one more request, in all processes together, and
// how often a request passes through a queue to another thread. The calls are a few more than were counted, so that a
// change of the C library does no harm; a model that asks each of its clients after each accept, or waits in a second
// call, is far beyond.
struct Bound {
  const char* model;
  int connection;
  int request;
  int tasks = 0;
  const char* flag = "";  // Of the variant; empty: of the others.
};
constexpr Bound kBounds[] = {
    {"loop", 20, 4},   {"fork", 90, 4},       {"multiprocess", 90, 4},
    {"thread", 40, 4}, {"prefork", 60, 4},    {"threadpool", 60, 4},
    {"select", 24, 6}, {"poll", 24, 6},       {"sigio", 28, 6},
    {"epoll", 24, 6},  {"libevent", 24, 6},   {"coroutine", 24, 6},
    {"uring", 20, 6},  {"leader", 44, 16},    {"halfsync", 48, 20, 1},
    {"fiber", 24, 6},  {"hybrid", 60, 4},     {"hybrid", 48, 20, 1, "--serve=events"},
    {"exec", 90, 4},   {"staged", 60, 30, 2}, {"stealing", 44, 16, 1},
};
// A model that has no row yet.
constexpr Bound kBoundOfOthers = {"", 90, 6};
// Several loops: each client may wake others of them, or comes by way of an inbox.
constexpr int kMoreForLoops = 16;
// A child that starts as a fresh image loads its libraries first.
constexpr int kMoreForImages = 1500;

class BoundTest : public EveryModelTest {
 protected:
  static const Bound& bound() {
    const Bound* found = &kBoundOfOthers;
    for (const Bound& row : kBounds) {
      const bool has_variant = *row.flag == '\0' || has_flag(row.flag);
      if (has_variant && has_flag(absl::StrCat("--model=", row.model))) found = &row;
    }
    return *found;
  }
};

class CostTest : public BoundTest {
 protected:
  void SetUp() override {
    BoundTest::SetUp();
    if (kSanitized) GTEST_SKIP() << "the sanitizer makes system calls of its own";
    if (!can().sleeps) GTEST_SKIP() << "by design: it asks again and again, whatever happens";
  }

  static int connection_bound() {
    int most = bound().connection;
    if (has_flag("--workers=3")) most += kMoreForLoops;
    if (has_flag("--reap=double_fork") || has_flag("--start_method=forkserver")) most += bound().connection;
    if (can().starts_images) most += kMoreForImages;
    return most;
  }

  // strace(1), attached to all threads of all processes of the server, and to those that they start. It seizes a thread
  // first, and follows its calls only once it has interrupted it: then the thread has slept once more.
  void Attach() {
    AwaitQuiet();
    output_ = absl::StrCat(testing::TempDir(), "/calls-", server().pid());
    std::vector<std::string> arguments = {"strace", "-f", "-c", "-U", "calls,name", "-o", output_};
    const std::vector<pid_t> processes = server().processes();
    std::vector<std::pair<pid_t, int64_t>> slept;
    for (const pid_t process : processes) {
      arguments.insert(arguments.end(), {"-p", absl::StrCat(process)});
      for (const pid_t thread : ThreadsOf(process)) slept.emplace_back(thread, CountSleeps(thread));
    }
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    strace_ = ::fork();
    if (strace_ == 0) {
      const UniqueFd null(::open("/dev/null", O_WRONLY));
      ::dup2(null.get(), STDERR_FILENO);
      ::execvp(argv[0], argv.data());
      ::_exit(127);
    }
    for (const auto& [thread, times] : slept) {
      const auto follows = [this, thread = thread, times = times] { return IsFollowed(thread, times) || HasEnded(); };
      is_attached_ = is_attached_ && Eventually(follows) && !ended_;
    }
  }

  // How many system calls there were, since it was attached.
  int Detach() {
    ::kill(strace_, SIGINT);
    int status = 0;
    if (!ended_) ::waitpid(strace_, &status, 0);
    std::ifstream stream(output_);
    int calls = 0;
    for (std::string line; std::getline(stream, line);) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (words.size() != 2 || words[1] != "total") continue;
      EXPECT_TRUE(absl::SimpleAtoi(words[0], &calls));
    }
    return calls;
  }

  bool is_attached() const { return is_attached_; }

  // The calls for one of `count` actions, with the server as it is.
  template <typename Action>
  double Count(int count, const Action& action) {
    Attach();
    for (int i = 0; is_attached_ && i < count; ++i) action();
    return static_cast<double>(Detach()) / count;
  }

  double CountForConnection() {
    return Count(kConnections, [this] { VisitOnce(); });
  }

  double CountForRequest() {
    Peer peer = Connect("echo");
    EXPECT_TRUE(IsServed(peer));
    return Count(kRequests, [this, &peer] { EXPECT_TRUE(IsServed(peer)); });
  }

  void VisitOnce() {
    Peer peer = Connect("echo");
    EXPECT_TRUE(IsServed(peer));
    peer.HalfClose();
    EXPECT_TRUE(peer.AwaitClose());
  }

 private:
  bool HasEnded() {
    int status = 0;
    ended_ = ended_ || ::waitpid(strace_, &status, WNOHANG) == strace_;
    return ended_;
  }

  static bool IsFollowed(pid_t thread, int64_t slept_before) {
    std::ifstream stream(absl::StrCat("/proc/", thread, "/status"));
    for (std::string line; std::getline(stream, line);) {
      if (!absl::StartsWith(line, "TracerPid:")) continue;
      return !absl::EndsWith(line, "\t0") && CountSleeps(thread) > slept_before && IsAsleep(thread);
    }
    return true;  // It has gone.
  }

  std::string output_;
  pid_t strace_ = -1;
  bool is_attached_ = true;
  bool ended_ = false;
};

TEST_F(CostTest, ConnectionsAndRequestsTakeNoMoreSystemCallsThanTheTableSays) {
  StartServer({"--idle_timeout=inf"});
  // The first visit may start what later ones use, and is not counted.
  VisitOnce();
  const double connection = CountForConnection();
  if (!is_attached())
    GTEST_SKIP() << "strace cannot attach to the server: is it installed, and ptrace(2) allowed here?";
  EXPECT_GT(connection, 0);
  EXPECT_LE(connection, connection_bound());
  const double request = CountForRequest();
  EXPECT_GT(request, 0);
  EXPECT_LE(request, bound().request);
}

TEST_F(CostTest, ChatDatagramsAndIdleClientsMakeNoOtherClientDearer) {
  const int idle_clients = can().starts_images ? 40 : 200;  // Each image takes its time.
  ServeAlso("chat");
  ServeAlso("chat+udp");
  ServeAlso("tftp+udp");
  StartServer({"--idle_timeout=inf"});
  std::vector<Peer> idle;
  const bool has_room = can().keeps_clients_apart && !can().pooled;
  for (int i = 0; has_room && i < idle_clients; ++i) {
    idle.push_back(Connect("echo"));
    EXPECT_TRUE(IsServed(idle.back()));
  }
  VisitOnce();
  const double connection = CountForConnection();
  if (!is_attached())
    GTEST_SKIP() << "strace cannot attach to the server: is it installed, and ptrace(2) allowed here?";
  EXPECT_GT(connection, 0);
  EXPECT_LE(connection, connection_bound());
  EXPECT_LE(CountForRequest(), bound().request);
}

// A model whose threads hand operations to the kernel by io_uring(7).
class RingTest : public EveryModelTest {
 protected:
  // Operations that the server's rings have been given so far. /proc tells the index behind the last one (SqTail),
  // which is never set back. Empty: the server has no ring.
  std::optional<int64_t> CountOperations() {
    std::optional<int64_t> all;
    for (const pid_t process : server().processes()) {
      for (const int number : DescriptorsOf(process)) {
        std::error_code error;
        const std::string path = absl::StrCat("/proc/", process, "/fd/", number);
        if (std::filesystem::read_symlink(path, error).string() != "anon_inode:[io_uring]") continue;
        std::ifstream facts(absl::StrCat("/proc/", process, "/fdinfo/", number));
        for (std::string name; facts >> name;) {
          int64_t tail = 0;
          if (name == "SqTail:" && facts >> tail) all = all.value_or(0) + tail;
        }
      }
    }
    return all;
  }
};

// One send for each. A receive that is armed stays armed: it would be cancelled, and armed anew, if a request that
// comes in the same batch as the completion of the reply before were held up. A server that was stopped finds the
// requests of all clients at once; while it sends the last replies, the first client has asked again.
TEST_F(RingTest, RequestThatComesWithTheEndOfTheReplyBeforeTakesOneOperation) {
  StartServer({"--idle_timeout=inf"});
  if (!CountOperations().has_value()) GTEST_SKIP() << "no io_uring: it has no operations to count";
  constexpr int kOthers = 200;
  constexpr int kRounds = 20;
  const std::string text(1000, 'x');
  Peer first = Connect("echo");
  EXPECT_TRUE(IsServed(first));
  std::vector<Peer> others;
  for (int i = 0; i < kOthers; ++i) {
    others.push_back(Connect("echo"));
    EXPECT_TRUE(IsServed(others.back()));
  }
  const int64_t before = *CountOperations();
  for (int i = 0; i < kRounds; ++i) {
    server().Signal(SIGSTOP);
    ASSERT_TRUE(Eventually([this] { return IsStopped(server().pid()); }));
    EXPECT_TRUE(first.Send("ping"));
    for (Peer& other : others) EXPECT_TRUE(other.Send(text));
    server().Signal(SIGCONT);
    ASSERT_EQ(first.Read(4), "ping");
    EXPECT_TRUE(first.Send("pong"));
    ASSERT_EQ(first.Read(4), "pong");
    for (Peer& other : others) ASSERT_EQ(other.Read(text.size()), text);
  }
  EXPECT_LE(*CountOperations() - before, kRounds * (kOthers + 2) + kRounds / 2);
}

using CountersTest = BoundTest;

TEST_F(CountersTest, QueueBetweenThreadsIsCounted) {
  StartServer();
  Peer peer = Connect("echo");
  EXPECT_TRUE(IsServed(peer));
  const absl::StatusOr<Statistics> statistics = OpenStatistics();
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  const QueueTotals queue = statistics->TotalOfQueues();
  EXPECT_EQ(queue.tasks, bound().tasks);
  EXPECT_EQ(queue.waited_us > 0, bound().tasks > 0) << queue.waited_us << ": a hand-over takes a microsecond at least";
  EXPECT_EQ(queue.longest, std::min(bound().tasks, 1));  // The one client is in one queue at a time.
  EXPECT_EQ(queue.waiting, 0);
}

TEST_F(CountersTest, WhoServesBesideOthersDoesNotCountInTheServersOwnRows) {
  if (!can().serves_elsewhere) GTEST_SKIP() << "one thread serves all";
  StartServer();
  Peer peer = Connect("echo");
  EXPECT_TRUE(IsServed(peer));
  const absl::StatusOr<Statistics> statistics = OpenStatistics();
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  EXPECT_EQ(statistics->Total().bytes_in, 4);
  EXPECT_EQ(statistics->OwnTotal().bytes_in, 0);
}

}  // namespace

}  // namespace polyserve
