// While a server stops and clients are left, it says for whom it waits: in its log, and to a client that can still ask.
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"

namespace polyserve {

namespace {

// If these pass, the test has failed: nothing in it is ended by a time-out.
constexpr char kPatientDrain[] = "--drain_timeout=10m";
constexpr char kPatientGrace[] = "--stop_grace=5m";

class DrainTest : public EveryModelTest {
 protected:
  // A client with a request under way: the server waits for the rest of its upload.
  Peer StartUpload() {
    Peer peer = Connect("file");
    peer.Send("P a 10\nhalf ");
    return peer;
  }

  void ExpectUploadEnds(Peer& upload) {
    upload.Send("done.");
    upload.HalfClose();  // Or it might ask again, until the grace is over.
    EXPECT_EQ(upload.ReadToEnd(), "OK 0\n");
    EXPECT_EQ(root().Read("a"), "half done.");
  }

  bool LogSays(absl::string_view text) {
    return Eventually([this, text] { return absl::StrContains(server().log(), text); });
  }
};

TEST_F(DrainTest, LogSaysForWhomTheServerWaits) {
  StartServer({kPatientDrain});
  Peer upload = StartUpload();
  server().Signal(SIGTERM);
  EXPECT_TRUE(LogSays("stopping: waits for 1 client, for ")) << server().log();
  // Perhaps with the next line: a program image takes its time to begin.
  EXPECT_TRUE(LogSays(" s at most: file 127.0.0.1:")) << server().log();
  ExpectUploadEnds(upload);
  ExpectCleanExit();
}

TEST_F(DrainTest, LogSaysItAgainWhileTheServerWaits) {
  StartServer({"--drain_timeout=inf"});
  Peer upload = StartUpload();
  server().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([this] {
    const std::string log = server().log();
    const size_t first = log.find("stopping: waits for 1 client: file 127.0.0.1:");
    return first != std::string::npos &&
           log.find("stopping: waits for 1 client: file ", first + 1) != std::string::npos;
  })) << server().log();
  ExpectUploadEnds(upload);
  ExpectCleanExit();
}

TEST_F(DrainTest, ClientThatIsStillThereCanAskForWhomTheServerWaits) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it serves the one that it waits for";
  StartServer({kPatientDrain, kPatientGrace});
  Peer asks = Connect("http");
  asks.Send("GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(asks.ReadLine(), "HTTP/1.1 404 Not Found\r\n");
  Peer upload = StartUpload();
  server().Signal(SIGTERM);
  EXPECT_TRUE(LogSays("stopping: waits for 2 clients, for ")) << server().log();
  EXPECT_TRUE(LogSays("file 127.0.0.1:")) << server().log();
  asks.Send("GET /-/status HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const std::string replies = asks.ReadToEnd();
  asks.HalfClose();  // Or the server would wait a while for it to have taken them.
  const nlohmann::json status =
      nlohmann::json::parse(replies.substr(std::min(replies.size(), replies.rfind("\r\n\r\n"))), nullptr, false);
  EXPECT_EQ(status["stopping"], true);
  EXPECT_GT(status["drain"]["seconds_left"], 0);
  EXPECT_GT(status["drain"]["grace_seconds_left"], 0);
  EXPECT_EQ(status["connections"]["active"], 2);
  const auto is_upload = [](const nlohmann::json& connection) { return connection["service"] == "file"; };
  EXPECT_TRUE(std::any_of(status["open"].begin(), status["open"].end(), is_upload)) << status;
  ExpectUploadEnds(upload);
  ExpectCleanExit();
}

TEST_F(DrainTest, ServerThatWaitsForNoneSaysNothing) {
  StartServer({kPatientDrain});
  server().Signal(SIGTERM);
  ExpectCleanExit();
  EXPECT_FALSE(absl::StrContains(server().log(), "stopping: ")) << server().log();
}

}  // namespace

}  // namespace polyserve
