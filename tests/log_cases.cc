// Logs under every model: a log that takes nothing, or only a part of a line, delays no client, and lost lines are
// counted; a flood of lines is cut and counted; and --log_level and --log_format hold for all processes of a server.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

constexpr absl::string_view kMessageReply = "Receive your message";
constexpr int kPipeBytes = 4096;  // The least that the system gives.

// All that waits in a non-blocking descriptor.
std::string ReadAll(int fd) {
  std::string all;
  char bytes[4096];
  for (ssize_t count; (count = ::read(fd, bytes, sizeof(bytes))) > 0;) all.append(bytes, static_cast<size_t>(count));
  return all;
}

class LogTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    root().Write("a", "hello");
  }

  std::string log_path() const { return absl::StrCat(root().path(), "/.log"); }

  // Asks so often over one connection, and expects that each request is answered.
  void Get(int times) {
    requests_ += times;
    Peer peer = Connect("http");
    for (int i = 0; i < times; ++i) {
      const bool is_last = i + 1 == times;
      peer.Send(absl::StrCat("GET /a HTTP/1.1\r\nHost: x\r\n", is_last ? "Connection: close\r\n" : "", "\r\n"));
    }
    const std::string replies = peer.ReadToEnd();
    int answered = 0;
    for (absl::string_view left : absl::StrSplit(replies, "HTTP/1.1 200 OK"))
      answered += absl::StrContains(left, "hello");
    EXPECT_EQ(answered, times);
  }

  // What the server counts so far. A line is written, or lost, after the reply that it tells of.
  int64_t Lost(const char* what) {
    ++requests_;
    Peer peer = Connect("http");
    peer.Send("GET /-/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const std::string reply = peer.ReadToEnd();
    return nlohmann::json::parse(reply.substr(reply.find("\r\n\r\n") + 4))[what];
  }

  bool HasLost(const char* what) {
    return Eventually([this, what] { return Lost(what) > 0; });
  }

  // All that were made so far.
  int64_t requests() const { return requests_; }

  // Each of these is a request's line, and not a part of one.
  static void ExpectWholeLines(absl::string_view text) {
    EXPECT_TRUE(text.empty() || absl::EndsWith(text, "\n"));
    for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      EXPECT_TRUE(absl::StartsWith(line, "127.0.0.1 - - [") && absl::EndsWith(line, " \"-\" \"-\"")) << line;
    }
  }

  // Limits the size of files that the server writes from now on.
  void LimitFiles(rlim_t bytes) {
    const rlimit limit = {bytes, RLIM_INFINITY};
    ::prlimit(server().pid(), RLIMIT_FSIZE, &limit, nullptr);  // Children that it starts from now on have it, too.
    for (const pid_t pid : server().processes()) {
      EXPECT_TRUE(::prlimit(pid, RLIMIT_FSIZE, &limit, nullptr) == 0 || errno == ESRCH);  // One may just have ended.
    }
  }

 private:
  int64_t requests_ = 0;
};

TEST_F(LogTest, AccessLogThatIsNotReadCostsNoReply) {
  // A FIFO stands for a log that another program reads, or has stopped reading.
  ASSERT_EQ(::mkfifo(log_path().c_str(), 0600), 0);
  const UniqueFd reader(::open(log_path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_GE(::fcntl(reader.get(), F_SETPIPE_SZ, kPipeBytes), 0);
  StartServer({absl::StrCat("--access_log=", log_path())});
  Get(100);
  ExpectServesOthers();
  EXPECT_TRUE(HasLost("lost_log_lines"));
  ExpectWholeLines(ReadAll(reader.get()));
  Get(1);
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(ReadAll(reader.get()), "GET /a"); }));
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "takes lines again"); }));
}

TEST_F(LogTest, StandardErrorThatIsNotReadCostsNoReply) {
  constexpr int kMessages = 60;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
  ASSERT_GE(::fcntl(reader.get(), F_SETPIPE_SZ, kPipeBytes), 0);
  StartServer({.flags = {}, .before_exec = [&writer] { ::dup2(writer.get(), STDERR_FILENO); }});
  EXPECT_EQ(::fcntl(writer.get(), F_GETFL) & O_NONBLOCK, 0) << "whoever else holds the pipe sees no change";
  const std::string message(200, 'x');
  {
    Peer peer = Connect("message");
    for (int i = 0; i < kMessages; ++i) {
      peer.Send(message);
      ASSERT_EQ(peer.Read(kMessageReply.size()), kMessageReply);
    }
    peer.HalfClose();
    peer.ReadToEnd();
  }
  ExpectServesOthers();
  EXPECT_TRUE(HasLost("lost_server_log_lines"));
  std::string log = ReadAll(reader.get());  // A line of another worker may come at this moment, and tell of the loss.
  server().Signal(SIGUSR1);
  EXPECT_TRUE(Eventually([&] {
    log += ReadAll(reader.get());
    return absl::StrContains(log, "statistics: ");
  }));
  EXPECT_TRUE(absl::StrContains(log, "lines of this log were lost")) << log;
}

// A limit on the size of files stands for the disk's end.
TEST_F(LogTest, LineThatAFullDiskHasCutOffIsCountedAndNotGluedToTheNextOne) {
  if (can().starts_images || has_flag("--start_method=forkserver")) {
    GTEST_SKIP() << "a fresh image makes a file of its own, in memory, which the limit is for as well";
  }
  StartServer({absl::StrCat("--access_log=", log_path())});
  LimitFiles(1000);
  Get(20);
  EXPECT_TRUE(HasLost("lost_log_lines"));
  LimitFiles(RLIM_INFINITY);
  Get(20);
  std::string log;
  int64_t whole = 0, torn = 0, lost = 0;
  const auto all_are_accounted_for = [&] {
    std::ifstream file(log_path());
    log.assign(std::istreambuf_iterator<char>(file), {});
    whole = torn = 0;
    for (absl::string_view line : absl::StrSplit(log, '\n', absl::SkipEmpty())) {
      (absl::StartsWith(line, "127.0.0.1 - - [") && absl::EndsWith(line, " \"-\" \"-\"") ? whole : torn) += 1;
    }
    return whole + lost == requests();
  };
  // This question is a request, too, whose own line is still to come; and the last lost line may not be counted yet.
  EXPECT_TRUE(Eventually([&] {
    lost = Lost("lost_log_lines");
    return Eventually(all_are_accounted_for, absl::Seconds(1));
  })) << whole
      << " whole lines, " << lost << " lost of " << requests() << " requests:\n"
      << log;
  EXPECT_LE(torn, 1) << log;
  EXPECT_TRUE(absl::EndsWith(log, "\n"));
}

// The server's own log on standard error.
class ServerLogTest : public LogTest {
 protected:
  // Sends these bytes to `message` over a new connection. Returns how many chunks the server has taken them for, each
  // of which is a line of the log.
  int64_t SendMessages(absl::string_view bytes) {
    Peer peer = Connect("message");
    peer.Send(bytes);
    peer.HalfClose();
    const size_t replied = peer.ReadToEnd().size();
    EXPECT_EQ(replied % kMessageReply.size(), 0u);
    return static_cast<int64_t>(replied / kMessageReply.size());
  }

  // Stops the server, and returns its whole log, a line each.
  std::vector<std::string> StopAndReadLog() {
    server().Signal(SIGTERM);
    ExpectCleanExit();
    return absl::StrSplit(server().log(), '\n', absl::SkipEmpty());
  }
};

TEST_F(ServerLogTest, LevelLeavesOutWhatIsBelowIt) {
  StartServer({"--access_log=/dev/full", "--log_level=warning"});
  EXPECT_GT(SendMessages("hello"), 0);
  server().SignalAndAwaitDelivery(SIGUSR1);
  Get(1);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "lines of the log are being lost"); }));
  for (const std::string& line : StopAndReadLog()) EXPECT_NE(line[0], 'I') << line;
}

TEST_F(ServerLogTest, JsonIsAnObjectALineOfEveryProcessAndOfTheNextServer) {
  StartServer({"--log_format=json", "--access_log=/dev/full"});
  const std::string message = "\",\"pid\":1}\n{\"a\\ \xff \xc2\x9b \u202E";
  EXPECT_GT(SendMessages(message), 0);
  Get(1);
  server().Signal(SIGUSR1);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "statistics: "); }));
  ASSERT_TRUE(server().Upgrade());
  server().AwaitPredecessors();
  EXPECT_GT(SendMessages(message), 0);
  std::set<std::string> severities;
  std::set<int> pids;
  int messages = 0;
  for (const std::string& text : StopAndReadLog()) {
    const nlohmann::json line = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(line.is_object()) << text;
    for (const char* const field : {"time", "severity", "pid", "tid", "source", "message"}) {
      ASSERT_TRUE(line.contains(field)) << text;
    }
    severities.insert(line["severity"].get<std::string>());
    pids.insert(line["pid"].get<int>());
    if (absl::StartsWith(line["message"].get<std::string>(), "message: ")) ++messages;
  }
  EXPECT_EQ(severities, (std::set<std::string>{"INFO", "WARNING"}));
  EXPECT_GE(pids.size(), 2u) << "that of each server";
  EXPECT_GE(messages, 2);
}

TEST_F(ServerLogTest, EndOfTheDrainTimeIsAnObjectAsWell) {
  StartServer({"--log_format=json", "--drain_timeout=100ms"});
  Peer stays = Connect("file");
  stays.Send("P a 1000000\nbut that is not all");
  AwaitQuiet();
  for (const std::string& text : StopAndReadLog()) {
    EXPECT_TRUE(nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false).is_object()) << text;
  }
  EXPECT_TRUE(absl::StrContains(server().log(), "--drain_timeout has passed"));
}

// Each client may be another process's. Together they have one limit, and what was left out is known to the last line.
TEST_F(ServerLogTest, FloodIsCutForAllProcessesTogetherAndWhatWasLeftOutIsCounted) {
  constexpr int kClients = 6;
  constexpr int64_t kLinesASecond = 100;
  StartServer();
  const auto start = std::chrono::steady_clock::now();
  int64_t chunks = 0;
  for (int i = 0; i < kClients; ++i) chunks += SendMessages(std::string(300 << 10, 'x'));
  // Those that have begun meanwhile; the first one may have begun before.
  const int64_t windows = 2 + absl::ToInt64Seconds(absl::FromChrono(std::chrono::steady_clock::now() - start));
  EXPECT_GE(chunks, kClients * 300);
  const int64_t counted = Lost("left_out_server_log_lines");
  int64_t logged = 0, left_out = 0;
  for (const std::string& line : StopAndReadLog()) {
    if (!absl::StrContains(line, " message.cc:")) continue;
    const std::vector<std::string> parts = absl::StrSplit(line, "left out of a flood: ");
    int64_t lines = 0;
    if (parts.size() == 1) {
      ++logged;
    } else {
      EXPECT_TRUE(absl::SimpleAtoi(parts[1].substr(0, parts[1].find(' ')), &lines)) << line;
    }
    left_out += lines;
  }
  EXPECT_LE(logged, windows * kLinesASecond);
  EXPECT_EQ(logged + left_out, chunks);
  EXPECT_EQ(left_out, counted);
}

}  // namespace

}  // namespace polyserve
