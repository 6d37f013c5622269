// relay: requests that another server answers, under every model: its answers, its failures, and what happens if the
// client or the server ends meanwhile.
#include <signal.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/peer.h"
#include "tests/scripted_server.h"

namespace polyserve {

namespace {

class RelayTest : public EveryModelTest {
 protected:
  // Starts the server, which asks other_, and as the second one a port that nobody listens at. By default it has more
  // patience than this test.
  void StartRelay(absl::string_view timeout = "100s") {
    std::string closed;
    {
      const ScriptedServer gone;
      closed = gone.address();
    }
    ServeAlso("relay");
    StartServer(
        {absl::StrCat("--relay_to=", other_.address(), ",", closed), absl::StrCat("--relay_timeout=", timeout)});
  }

  // The answer to one request on this connection.
  static std::string Ask(Peer& peer, absl::string_view line) {
    peer.Send(absl::StrCat("RELAY 1 ", line, "\n"));
    return peer.ReadLine();
  }

  bool AwaitHeld(size_t count) {
    return Eventually([&] { return other_.held() == count; });
  }

  std::string GetRelay(absl::string_view to, absl::string_view line) {
    Peer peer = Connect("http");
    peer.Send(absl::StrCat("GET /-/relay?to=", to, "&ask=", line, " HTTP/1.1\r\nHost: localhost\r\n",
                           "Connection: close\r\n\r\n"));
    return peer.ReadToEnd();
  }

  ScriptedServer other_;
};

TEST_F(RelayTest, AnswersOfTheOtherServerArePassedOnInOrder) {
  StartRelay();
  Peer peer = Connect("relay");
  peer.Send("RELAY 1 say one\nRELAY 3 say two\nRELAY 1 say three\nRELAY 1 say f");
  EXPECT_EQ(peer.ReadLine(), "one\n");
  EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR 404 "));
  EXPECT_EQ(peer.ReadLine(), "three\n");
  peer.Send("our\n");
  EXPECT_EQ(peer.ReadLine(), "four\n");
  EXPECT_TRUE(Eventually([&] { return other_.connections() == 0; })) << "a connection for each question";
}

TEST_F(RelayTest, EachFailureOfTheOtherServerIsAnAnswerAndTheConversationGoesOn) {
  StartRelay();
  Peer peer = Connect("relay");
  for (const char* line : {"end", "half an answer", "reset", "flood", "garble"}) {
    const std::string answer = Ask(peer, line);
    EXPECT_TRUE(absl::StartsWith(answer, "ERR 502 ")) << line;
    EXPECT_FALSE(absl::StrContains(answer, other_.address())) << "where it is, is for the log";
  }
  EXPECT_TRUE(absl::StrContains(server().log(), other_.address()));
  peer.Send("RELAY 2 say nothing\n");
  const std::string refused = peer.ReadLine();
  EXPECT_TRUE(absl::StartsWith(refused, "ERR 502 ") && absl::StrContains(refused, "refused")) << refused;
  EXPECT_EQ(Ask(peer, "say hello"), "hello\n");
}

TEST_F(RelayTest, ServerThatDoesNotAnswerHasItsTimeAndNoMore) {
  StartRelay("100ms");
  Peer peer = Connect("relay");
  EXPECT_TRUE(absl::StartsWith(Ask(peer, "hold on"), "ERR 504 "));
  peer.Send("RELAY 3 say hello\n");  // To a server that answers, 100 ms might be too short for a slow machine.
  EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR 404 ")) << "the conversation goes on";
  peer = Peer("");  // For a model that serves one client at a time.
  EXPECT_TRUE(absl::StartsWith(GetRelay(other_.address(), "hold+on"), "HTTP/1.1 504 "));
  EXPECT_TRUE(Eventually([&] { return other_.connections() == 0; })) << "the question that was given up";
}

// No question keeps others out, unless the model serves one client at a time.
TEST_F(RelayTest, ServerThatIsSlowKeepsNobodyOut) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: the one thread asks for one client";
  StartRelay();
  Peer slow = Connect("relay");
  slow.Send("RELAY 1 hold one\nRELAY 1 hold two\n");
  ASSERT_TRUE(AwaitHeld(1));
  ExpectServesOthers();
  Peer peer = Connect("relay");
  EXPECT_EQ(Ask(peer, "say hello"), "hello\n");
  other_.Release();
  EXPECT_EQ(slow.ReadLine(), "one\n");
  EXPECT_EQ(slow.ReadLine(), "two\n");
}

// What waits for another server is a request under way.
TEST_F(RelayTest, QuestionIsAnsweredBeforeTheServerStops) {
  StartRelay();
  Peer peer = Connect("relay");
  peer.Send("RELAY 1 hold on\n");
  ASSERT_TRUE(AwaitHeld(1));
  server().SignalAndAwaitDelivery(SIGTERM);
  other_.Release();
  EXPECT_EQ(peer.ReadToEnd(), "on\n");
  ExpectCleanExit();
}

TEST_F(RelayTest, ClientThatLeavesMeanwhileLeavesNothing) {
  StartRelay();
  NoteFootprint();
  for (const bool resets : {true, false}) {
    Peer peer = Connect("relay");
    peer.Send("RELAY 1 hold on\nRELAY 1 say more\n");
    ASSERT_TRUE(AwaitHeld(1));
    if (resets) {
      peer.Reset();
    } else {
      peer = Peer("");
    }
    other_.Release();
    EXPECT_TRUE(Eventually([&] { return other_.connections() == 0; }));
    other_.HoldAgain();
  }
  ExpectFootprint();
}

TEST_F(RelayTest, HttpAsksTheServersThatAreNamedAndNoOthers) {
  StartRelay();
  const std::string reply = GetRelay(other_.address(), "say+hello");
  EXPECT_TRUE(absl::StartsWith(reply, "HTTP/1.1 200 ") && absl::EndsWith(reply, "\r\n\r\nhello\n")) << reply;
  EXPECT_TRUE(absl::StartsWith(GetRelay(other_.address(), "reset"), "HTTP/1.1 502 "));
  EXPECT_TRUE(absl::StartsWith(GetRelay(server().address("echo"), "say+hello"), "HTTP/1.1 403 "));
}

}  // namespace

}  // namespace polyserve
