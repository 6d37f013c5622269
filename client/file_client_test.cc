// FileClient asks servers that answer, refuse, lie, fall silent and go away. What it stores: file_client_put_test.cc.
#include "client/file_client.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/reply.h"
#include "client/scripted_peer.h"

namespace polyserve {

namespace {

FileClient ConnectTo(const ScriptedPeer& peer, absl::Duration idle_timeout = absl::Seconds(10)) {
  ConnectionOptions options;
  options.idle_timeout = idle_timeout;
  return FileClient::Connect(peer.endpoint(), options).value();
}

// A server that hears one line and says one thing, then closes.
ScriptedPeer::Script Answer(std::string request, std::string answer) {
  return [request = std::move(request), answer = std::move(answer)](Connection& client) {
    EXPECT_EQ(Hear(client), request);
    Say(client, answer);
  };
}

FileClient::FileSink AppendTo(std::vector<FileInfo>& files) {
  return [&files](const FileInfo& file) {
    files.push_back(file);
    return absl::OkStatus();
  };
}

FileClient::Sink AppendTo(std::string& text) {
  return [&text](absl::string_view bytes) {
    text.append(bytes.data(), bytes.size());
    return absl::OkStatus();
  };
}

TEST(FileClientTest, LogsInFirstIfThereAreCredentials) {
  const auto connect = [](const ScriptedPeer& peer) {
    ConnectionOptions options;
    options.credentials = {"ada", "two words"};
    return FileClient::Connect(peer.endpoint(), options);
  };
  ScriptedPeer peer([](Connection& client) {
    EXPECT_EQ(Hear(client), "A ada two words");
    Say(client, "OK 0\n");
    EXPECT_EQ(Hear(client), "S a");
    Say(client, "OK 5 1\n");
  });
  absl::StatusOr<FileClient> client = connect(peer);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE(client->Stat("a").ok());
  ScriptedPeer strict(Answer("A ada two words", "ERR 401 the user or the password is wrong\n"));
  const absl::Status refused = connect(strict).status();
  EXPECT_EQ(RefusalCode(refused), 401);
  EXPECT_EQ(refused.message(), "the user or the password is wrong");
}

TEST(FileClientTest, ListsFiles) {
  ScriptedPeer peer(Answer("L", "OK 14\na b\t5\t1\nc\t0\t2\n"));
  FileClient client = ConnectTo(peer);
  std::vector<FileInfo> files;
  const absl::Status status = client.List(AppendTo(files));
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].name, "a b");
  EXPECT_EQ(files[1].mtime, 2);
}

// Each file of a listing is passed as it arrives: here the server continues only after the sink has got the first one.
TEST(FileClientTest, ListingIsHandedOnBeforeItIsComplete) {
  std::promise<void> heard;
  ScriptedPeer peer([&heard](Connection& client) {
    EXPECT_EQ(Hear(client), "L");
    Say(client, "OK 9000000000000000000\na\t5\t1\n");
    heard.get_future().wait_for(std::chrono::seconds(10));
  });
  std::vector<FileInfo> files;
  FileClient client = ConnectTo(peer);
  const absl::Status status = client.List([&](const FileInfo& file) {
    files.push_back(file);
    heard.set_value();
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(files.size(), 1u);
}

TEST(FileClientTest, OneConnectionCarriesManyRequestsAndRefusals) {
  ScriptedPeer peer([](Connection& client) {
    EXPECT_EQ(Hear(client), "S a");
    Say(client, "ERR 404 none\n");
    EXPECT_EQ(Hear(client), "S a b");
    Say(client, "OK 5 7\n");
    EXPECT_EQ(Hear(client), "R a b 1 3");
    Say(client, "OK 3\nbcd");
    EXPECT_EQ(Hear(client), "Q");
  });
  FileClient client = ConnectTo(peer);
  EXPECT_EQ(RefusalCode(client.Stat("a").status()), 404);
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(client.Stat("a b")->size, 5);
  std::string text;
  EXPECT_EQ(*client.GetRange("a b", 1, 3, AppendTo(text)), 3);
  EXPECT_EQ(text, "bcd");
  EXPECT_TRUE(client.Quit().ok());
  EXPECT_FALSE(client.connected());
}

TEST(FileClientTest, NameWithALineEndIsNotSent) {
  ScriptedPeer peer([](Connection& client) { EXPECT_EQ(Hear(client), "Q"); });
  FileClient client = ConnectTo(peer);
  EXPECT_TRUE(absl::IsInvalidArgument(client.Stat("a\nQ").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(client.Stat("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(client.Stat(std::string(5000, 'a')).status()));
  EXPECT_TRUE(client.Quit().ok());
}

TEST(FileClientTest, ListingMustKeepToItsSize) {
  for (const char* answer : {"OK 9\na\t1\t1\nb\t1\t1\n", "OK 3\na\t1\t1\n"}) {
    ScriptedPeer peer(Answer("L", answer));
    std::vector<FileInfo> files;
    EXPECT_TRUE(absl::IsDataLoss(ConnectTo(peer).List(AppendTo(files)))) << answer;
  }
}

TEST(FileClientTest, ShortDataIsALostConnection) {
  ScriptedPeer peer(Answer("G a", "OK 9223372036854775807\nabc"));
  FileClient client = ConnectTo(peer);
  std::string text;
  EXPECT_TRUE(absl::IsUnavailable(client.Get("a", AppendTo(text)).status()));
  EXPECT_EQ(text, "abc");
  EXPECT_FALSE(client.connected());
}

TEST(FileClientTest, MoreThanTheRangeIsDataLoss) {
  ScriptedPeer peer(Answer("R a 0 2", "OK 3\nabc"));
  std::string text;
  EXPECT_TRUE(absl::IsDataLoss(ConnectTo(peer).GetRange("a", 0, 2, AppendTo(text)).status()));
  EXPECT_EQ(text, "");
}

TEST(FileClientTest, GarbageIsDataLossAndEndsTheConnection) {
  for (const std::string& answer :
       {std::string("HTTP/1.1 400 Bad Request\r\n"), std::string("OK 99999999999999999999999\n"),
        std::string(100'000, '9'), std::string("\0\xff\n", 3)}) {
    ScriptedPeer peer(Answer("S a", answer));
    FileClient client = ConnectTo(peer);
    EXPECT_TRUE(absl::IsDataLoss(client.Stat("a").status())) << answer.substr(0, 40);
    EXPECT_FALSE(client.connected());
  }
}

TEST(FileClientTest, CloseInsideOfTheReplyIsALostConnection) {
  ScriptedPeer peer(Answer("S a", "OK 5"));
  EXPECT_TRUE(absl::IsUnavailable(ConnectTo(peer).Stat("a").status()));
}

TEST(FileClientTest, SilentServerIsGivenUp) {
  ScriptedPeer peer([](Connection& client) { Swallow(client, INT64_MAX); });
  FileClient client = ConnectTo(peer, absl::Milliseconds(20));
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.Stat("a").status()));
}

TEST(FileClientTest, SinkThatFailsEndsTheTransfer) {
  ScriptedPeer peer(Answer("G a", "OK 5\nabcde"));
  FileClient client = ConnectTo(peer);
  const auto full = [](absl::string_view) { return absl::ResourceExhaustedError("full"); };
  EXPECT_TRUE(absl::IsResourceExhausted(client.Get("a", full).status()));
  EXPECT_FALSE(client.connected());
}

}  // namespace

}  // namespace polyserve
