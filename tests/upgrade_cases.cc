// Upgrades (SIGUSR2): a new server takes the place of the running one, and no client that keeps to its protocol notices
// it.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/scratch.h"

namespace polyserve {

namespace {

constexpr int kUpgrades = kSanitized ? 4 : 20;
constexpr char kPatientDrain[] = "--drain_timeout=10m";
// Longer than it takes a client on a busy machine to ask once it is connected.
constexpr char kGrace[] = "--stop_grace=10s";

// Asks again and again, on a thread of its own, until it is destroyed.
class Asker {
 public:
  // The function asks once, and returns what went wrong; "" if nothing.
  explicit Asker(std::function<std::string()> ask) : ask_(std::move(ask)), thread_([this] { Run(); }) {}
  ~Asker() { Finish(); }

  // Waits until it has asked some more times, or has failed.
  void AwaitSomeMore() const {
    constexpr int kSome = 5;
    const int until = answered_ + kSome;
    EXPECT_TRUE(Eventually([&] { return answered_ >= until || has_failed_; }));
  }

  // Ends it. Returns what went wrong first.
  std::string Finish() {
    is_ending_ = true;
    if (thread_.joinable()) thread_.join();
    return error_;
  }

 private:
  void Run() {
    while (!is_ending_ && !has_failed_) {
      error_ = ask_();
      if (error_.empty()) ++answered_;
      has_failed_ = !error_.empty();
    }
  }

  const std::function<std::string()> ask_;
  std::atomic<bool> is_ending_{false};
  std::atomic<bool> has_failed_{false};
  std::atomic<int> answered_{0};
  std::string error_;   // The thread's, until it has ended.
  std::thread thread_;  // Last: it uses the others.
};

std::string AskEcho(const std::string& address) {
  Peer peer(address);
  if (!peer.connected()) return peer.was_refused() ? "refused" : "not connected";
  peer.Send("ping");
  const std::string reply = peer.Read(4);
  if (reply == "ping") return "";
  return absl::StrCat("echo: '", reply, "'", peer.was_reset() ? ", reset" : "", peer.was_closed() ? ", closed" : "");
}

// A client of http that keeps its connection, and does what RFC 9112, section 9.3.1, and RFC 9110, section 9.2.2, say
// of one that ends: it repeats a request that was not answered at all on a new connection.
class KeepAliveClient {
 public:
  explicit KeepAliveClient(std::string address) : address_(std::move(address)) {}

  std::string Ask() {
    const bool is_fresh = !peer_.has_value();
    if (is_fresh) peer_.emplace(address_);
    if (!peer_->connected()) return "not connected";
    peer_->Send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string error = TakeReply();
    if (error != kNothing) return error;
    peer_.reset();
    return is_fresh ? "a new connection was closed without a reply" : Ask();
  }

 private:
  static constexpr char kNothing[] = "nothing";

  std::string TakeReply() {
    bool is_last = false;
    size_t length = 0;
    std::string line = peer_->ReadLine();
    if (line.empty()) return kNothing;
    if (!absl::StartsWith(line, "HTTP/1.1 200 ")) return line;
    while ((line = peer_->ReadLine()) != "\r\n") {
      if (line.empty()) return "the head of a reply is cut short";
      if (absl::EqualsIgnoreCase(line, "Connection: close\r\n")) is_last = true;
      if (absl::StartsWithIgnoreCase(line, "Content-Length: ")) {
        EXPECT_TRUE(absl::SimpleAtoi(line.substr(16, line.size() - 18), &length));
      }
    }
    if (peer_->Read(length) != "content") return "the content of a reply is cut short";
    if (is_last) peer_.reset();
    return "";
  }

  const std::string address_;
  std::optional<Peer> peer_;
};

class UpgradeTest : public EveryModelTest {
 protected:
  // Flags that the next server finds, as long as the test does not change them.
  std::string FlagFile(absl::string_view text) const {
    flags_.Write("flags", text);
    return absl::StrCat("--flagfile=", flags_.PathOf("flags"));
  }
  const Scratch& flags() const { return flags_; }

  bool LogSays(absl::string_view text) { return absl::StrContains(server().log(), text); }
  void AwaitInLog(absl::string_view text) {
    EXPECT_TRUE(Eventually([&] { return LogSays(text); })) << text;
  }

 private:
  const Scratch flags_;
};

TEST_F(UpgradeTest, ClientThatConnectsAndAsksSeesNoError) {
  StartServer({kPatientDrain, kGrace});
  const std::string address = server().address("echo");
  Asker asker([&address] { return AskEcho(address); });
  for (int i = 0; i < kUpgrades; ++i) {
    ASSERT_TRUE(server().Upgrade()) << "upgrade " << i;
    asker.AwaitSomeMore();
  }
  EXPECT_EQ(asker.Finish(), "");
  server().AwaitPredecessors();
  ExpectServesOthers();
}

TEST_F(UpgradeTest, ClientsThatComeAtOnceSeeNoError) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: one client keeps the others waiting";
  StartServer({kPatientDrain, kGrace});
  const std::string address = server().address("echo");
  const auto ask = [&address] { return AskEcho(address); };
  Asker first(ask), second(ask), third(ask);
  for (int i = 0; i < kUpgrades / 4; ++i) {
    ASSERT_TRUE(server().Upgrade()) << "upgrade " << i;
    for (Asker* asker : {&first, &second, &third}) asker->AwaitSomeMore();
  }
  for (Asker* asker : {&first, &second, &third}) EXPECT_EQ(asker->Finish(), "");
  server().AwaitPredecessors();
}

TEST_F(UpgradeTest, ClientThatKeepsItsConnectionLosesNoRequest) {
  root().Write("a", "content");
  StartServer({kPatientDrain, kGrace});
  KeepAliveClient client(server().address("http"));
  Asker asker([&client] { return client.Ask(); });
  for (int i = 0; i < kUpgrades / 2; ++i) {
    ASSERT_TRUE(server().Upgrade()) << "upgrade " << i;
    server().AwaitPredecessors();  // Until then the client may keep its connection to one of them.
    asker.AwaitSomeMore();
  }
  EXPECT_EQ(asker.Finish(), "");
}

TEST_F(UpgradeTest, UploadUnderWayIsFinishedWhileTheNewServerServes) {
  const std::string bytes = RandomBytes(200'000, 9);
  // The usual grace: if the old server has the rest before it hears of its stop, it waits that long for more.
  StartServer({kPatientDrain});
  Peer peer = Connect("file");
  EXPECT_EQ(Ask(peer, "S none").code(), "ERR 404");
  peer.Send(absl::StrCat("P a ", bytes.size(), "\n"));
  peer.Send(absl::string_view(bytes).substr(0, 100'000));
  ASSERT_TRUE(server().Upgrade());
  ExpectServesOthers();
  peer.Send(absl::string_view(bytes).substr(100'000));
  peer.HalfClose();  // Or it might ask again, until the grace is over.
  EXPECT_EQ(peer.ReadToEnd(), "OK 0\n");
  EXPECT_EQ(Sha256(root().Read("a")), Sha256(bytes));
  server().AwaitPredecessors();
  ExpectServesOthers();
}

TEST_F(UpgradeTest, ClientsInTheQueueAreServed) {
  StartServer({kPatientDrain, kGrace});
  ExpectServesOthers();
  // A stopped process cannot accept, so the signal and the clients are there together when it goes on.
  server().Signal(SIGSTOP);
  std::vector<Peer> peers;
  for (int i = 0; i < 8; ++i) {
    peers.push_back(Connect("echo"));
    peers.back().Send("ping");
  }
  server().Signal(SIGUSR2);
  server().Signal(SIGCONT);
  ASSERT_TRUE(server().AwaitSuccessor());
  for (Peer& peer : peers) {
    EXPECT_EQ(peer.Read(4), "ping");
    peer.HalfClose();
  }
  server().AwaitPredecessors();
}

TEST_F(UpgradeTest, OneThatFailsChangesNothing) {
  StartServer({kPatientDrain, kGrace, FlagFile("")});
  const std::string address = server().address("echo");
  Asker asker([&address] { return AskEcho(address); });
  FlagFile("--no_such_flag\n");
  server().Signal(SIGUSR2);
  AwaitInLog("the upgrade has failed");
  asker.AwaitSomeMore();
  FlagFile("");
  EXPECT_TRUE(server().Upgrade());  // The next one is not hindered.
  asker.AwaitSomeMore();
  EXPECT_EQ(asker.Finish(), "");
  server().AwaitPredecessors();
}

// The new server reads its flags from a FIFO, and so cannot get ready before the test says so.
TEST_F(UpgradeTest, ThereIsOneAtATime) {
  StartServer({kPatientDrain, kGrace, FlagFile("")});
  ASSERT_EQ(::mkfifo(flags().PathOf("fifo").c_str(), 0600), 0);
  ASSERT_EQ(std::rename(flags().PathOf("fifo").c_str(), flags().PathOf("flags").c_str()), 0);
  server().Signal(SIGUSR2);
  AwaitInLog("was started");
  server().Signal(SIGUSR2);
  AwaitInLog("an upgrade is under way already");
  ExpectServesOthers();
  { const UniqueFd flags_are_there(::open(flags().PathOf("flags").c_str(), O_WRONLY | O_CLOEXEC)); }
  EXPECT_TRUE(server().AwaitSuccessor());
  ExpectServesOthers();
  server().AwaitPredecessors();
}

TEST_F(UpgradeTest, StopMeanwhileEndsBothServers) {
  StartServer({kPatientDrain, kGrace, FlagFile("")});
  ASSERT_EQ(::mkfifo(flags().PathOf("fifo").c_str(), 0600), 0);
  ASSERT_EQ(std::rename(flags().PathOf("fifo").c_str(), flags().PathOf("flags").c_str()), 0);
  server().Signal(SIGUSR2);
  AwaitInLog("was started");
  server().Signal(SIGTERM);
  ExpectCleanExit();
}

// Each of several listeners that share a port has a queue, and the kernel resets those in one that closes.
TEST_F(UpgradeTest, NumberOfListenersThatShareAPortMayChange) {
  if (!has_flag("--accept=reuseport")) GTEST_SKIP() << "about several listeners of a port";
  StartServer({kPatientDrain, kGrace, FlagFile("--workers=4\n")});
  const std::string address = server().address("echo");
  Asker asker([&address] { return AskEcho(address); });
  for (int i = 0; i < kUpgrades / 2; ++i) {
    FlagFile(absl::StrCat("--workers=", 2 + i % 4, "\n"));
    ASSERT_TRUE(server().Upgrade()) << "upgrade " << i;
    asker.AwaitSomeMore();
  }
  EXPECT_EQ(asker.Finish(), "");
  server().AwaitPredecessors();
}

TEST_F(UpgradeTest, ServerThatStopsIsNotUpgraded) {
  StartServer({kPatientDrain, kGrace});
  Peer peer = Connect("file");
  EXPECT_EQ(Ask(peer, "S none").code(), "ERR 404");
  peer.Send("P a 6\nsec");
  server().Signal(SIGTERM);
  AwaitInLog("stopping: waits for 1 client");  // Delivery is not enough: another thread may answer the second signal.
  server().Signal(SIGUSR2);
  AwaitInLog("no upgrade: this server stops");
  peer.Send("ond");
  peer.HalfClose();
  EXPECT_EQ(peer.ReadToEnd(), "OK 0\n");
  ExpectCleanExit();
}

}  // namespace

}  // namespace polyserve
