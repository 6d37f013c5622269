// A room that servers of different models share through Redis, and what is said at the start if that cannot be.
#include <signal.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "tests/chat_lines.h"
#include "tests/eventually.h"
#include "tests/peer.h"
#include "tests/redis_process.h"
#include "tests/scratch.h"
#include "tests/server_process.h"

namespace polyserve {
namespace {

// A server of this model, with members.
class Node {
 public:
  Node(const std::string& model, const std::string& room, std::vector<std::string> more = {}) {
    std::vector<std::string> flags = {"--model=" + model, "--listen=chat://127.0.0.1:0", "--room=" + room,
                                      "--room_timeout=1m"};
    flags.insert(flags.end(), more.begin(), more.end());
    server_ = std::make_unique<ServerProcess>(ServerProcess::Options{.flags = std::move(flags)});
    EXPECT_TRUE(server_->ready()) << server_->log();
  }
  ~Node() {
    if (server_->has_exited()) return;
    server_->Signal(SIGTERM);
    EXPECT_EQ(server_->AwaitExit(), 0) << server_->log();
  }

  ServerProcess& server() { return *server_; }
  Peer Join(absl::string_view name) {
    Peer peer(server_->address("chat"));
    peer.Send(absl::StrCat("L ", name, "\n"));
    EXPECT_EQ(peer.ReadLine(), "OK\n") << name;
    return peer;
  }

 private:
  std::unique_ptr<ServerProcess> server_;
};

class SharedRoomOfModelsTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(SharedRoomOfModelsTest, AreOneRoomAndEachLineArrivesOnceWhileRedisIsReplaced) {
  RedisProcess redis({.keeps_data = true});
  Node a(GetParam().first, redis.url()), b(GetParam().second, redis.url());
  Peer ada = a.Join("ada"), bob = b.Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  constexpr int kLines = 300, kGone = 100, kBack = 200;
  for (int i = 0; i < kLines; ++i) {
    if (i == kGone) redis.Kill();
    if (i == kBack) redis.Start();
    ada.Send(absl::StrCat("C ada a", i, "\n"));
    bob.Send(absl::StrCat("C bob b", i, "\n"));
  }
  // What the administrator says comes between them, and before them perhaps that the other one has joined: whether a
  // server has heard of that before its own member joins, is open.
  const auto hear_all = [](Peer& peer, absl::string_view from, char letter) {
    for (int i = 0; i < kLines;) {
      const std::string line = peer.ReadLine();
      if (absl::StrContains(line, "the other servers of this room") || line == Arrival(from)) continue;
      ASSERT_EQ(line, Saying(from, absl::StrCat(std::string(1, letter), i)));
      ++i;
    }
  };
  hear_all(ada, "bob", 'b');
  hear_all(bob, "ada", 'a');
}

INSTANTIATE_TEST_SUITE_P(Pairs, SharedRoomOfModelsTest,
                         testing::Values(std::pair("epoll", "fork"), std::pair("thread", "prefork"),
                                         std::pair("coroutine", "exec"), std::pair("multiprocess", "threadpool")),
                         [](const auto& info) { return absl::StrCat(info.param.first, "_", info.param.second); });

TEST(SharedRoomStartTest, ThirdServerTakesOverTheNamesOfAKilledOne) {
  const RedisProcess redis;
  const std::vector<std::string> brief = {"--room_expiry=3s"};
  Node a("epoll", redis.url(), brief), b("fork", redis.url(), brief);
  const auto c = std::make_unique<Node>("thread", redis.url(), brief);
  Peer ada = a.Join("ada"), bob = b.Join("bob"), carl = c->Join("carl");
  // They come from two servers.
  EXPECT_EQ((std::set<std::string>{ada.ReadLine(), ada.ReadLine()}),
            (std::set<std::string>{Arrival("bob"), Arrival("carl")}));
  c->server().Signal(SIGKILL);
  EXPECT_EQ(c->server().AwaitExit(), 128 + SIGKILL);
  EXPECT_EQ(ada.ReadLine(), Departure("carl"));
  Peer again = b.Join("carl");
  EXPECT_EQ(ada.ReadLine(), Arrival("carl"));
}

TEST(SharedRoomStartTest, SharesByTls) {
  const TestCertificate certificate = MakeTestCertificate("localhost"), other = MakeTestCertificate("localhost");
  const RedisProcess redis({.certificate = certificate.certificate, .key = certificate.key});
  const Scratch files;
  files.Write("ca", certificate.certificate);
  files.Write("other", other.certificate);
  Node a("epoll", redis.url(), {"--room_ca=" + files.PathOf("ca")});
  Node b("fork", redis.url(), {"--room_ca=" + files.PathOf("ca")});
  Peer ada = a.Join("ada"), bob = b.Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
  bob.Send("C bob hello\n");
  EXPECT_EQ(ada.ReadLine(), Saying("bob", "hello"));
  const ServerRun run =
      RunServer({"--listen=chat://127.0.0.1:0", "--room=" + redis.url(), "--room_ca=" + files.PathOf("other")});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_TRUE(absl::StrContains(run.log, "its certificate cannot be trusted")) << run.log;
}

TEST(SharedRoomStartTest, WrongPasswordEndsTheStartUnderEveryKindOfModel) {
  const RedisProcess redis({.password = "secret"});
  for (const char* const model : {"epoll", "fork", "exec"}) {
    const ServerRun run =
        RunServer({absl::StrCat("--model=", model), "--listen=chat://127.0.0.1:0", "--room=" + redis.url(":guess@")});
    EXPECT_EQ(run.exit_status, 2) << model;
    EXPECT_EQ(run.log, absl::StrCat("server: --room: redis://", redis.address(),
                                    "/0: WRONGPASS invalid username-password pair or user is disabled.\n"));
  }
  Node right("epoll", redis.url(":secret@"));
  right.Join("ada");
}

// It may come later.
TEST(SharedRoomStartTest, RedisThatIsNotThereEndsNoStart) {
  RedisProcess redis;
  redis.Kill();
  Node a("epoll", redis.url()), b("fork", redis.url());
  Peer ada = a.Join("ada"), bob = b.Join("bob");
  for (Peer* member : {&ada, &bob}) EXPECT_TRUE(absl::StrContains(member->ReadLine(), "cannot be reached"));
  redis.Start();
  for (Peer* member : {&ada, &bob}) {
    std::string heard;
    for (std::string line; !absl::StrContains(heard, "can be reached again") && !(line = member->ReadLine()).empty();) {
      heard += line;
    }
    EXPECT_TRUE(absl::StrContains(heard, "can be reached again")) << heard;
  }
  ada.Send("C ada hello\n");
  std::string line = bob.ReadLine();
  if (line == Arrival("ada")) line = bob.ReadLine();  // Unless that came before the link was up.
  EXPECT_EQ(line, Saying("ada", "hello"));
}

TEST(SharedRoomStartTest, SandboxLeavesTheWayToRedis) {
  if (kSanitized) GTEST_SKIP() << "LeakSanitizer traces its own process, which the sandbox forbids";
  const ServerRun check = RunServer({"--check", "--sandbox=on"});
  if (check.exit_status != 0) GTEST_SKIP() << check.log;
  const RedisProcess redis;
  Node a("epoll", redis.url(), {"--sandbox=on"}), b("fork", redis.url(), {"--sandbox=on"});
  Peer ada = a.Join("ada"), bob = b.Join("bob");
  EXPECT_EQ(ada.ReadLine(), Arrival("bob"));
}

}  // namespace
}  // namespace polyserve
