// --upstream: files that another server has, under every model: one fetch for a crowd, copies that are validated, and a
// server that is slow, lies, or dies in the middle.
#include <signal.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/tls/test_certificate.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/http_origin.h"
#include "tests/http_reply.h"
#include "tests/peer.h"
#include "tests/proc.h"
#include "tests/scratch.h"
#include "tests/server_process.h"
#include "tests/tftp_peer.h"
#include "tests/tls_peer.h"

namespace polyserve {

namespace {

using Names = std::vector<std::string>;

class UpstreamTest : public EveryModelTest {
 protected:
  UpstreamTest() { origin_.Start(); }

  // By default with more patience than this test.
  void StartBehind(const std::string& url, std::vector<std::string> flags = {}) {
    flags.push_back(absl::StrCat("--upstream=", url));
    if (!has_timeout_) flags.push_back("--upstream_timeout=100s");
    StartServer(std::move(flags));
  }
  void StartNode(std::vector<std::string> flags = {}) {
    StartBehind(absl::StrCat("http://", origin_.address(), "/pub/"), std::move(flags));
  }

  static std::string RequestFor(absl::string_view target, absl::string_view fields = "") {
    return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", fields, "\r\n");
  }
  // The whole reply, on a connection of its own.
  std::string Get(absl::string_view target, absl::string_view fields = "") {
    Peer peer = Connect("http");
    peer.Send(RequestFor(target, fields));
    return peer.ReadToEnd();
  }

  // The process that fetches; 0: there is none.
  pid_t Fetcher() {
    for (const pid_t process : server().processes()) {
      if (NameOf(process) == "fetcher") return process;
    }
    return 0;
  }

  // A head that announces this much, and the content.
  static HttpOrigin::Answer Announce(size_t length, absl::string_view content) {
    return {.bytes = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", length, "\r\n\r\n", content)};
  }

  HttpOrigin origin_;
  bool has_timeout_ = false;
};

TEST_F(UpstreamTest, CrowdThatWantsOneFileCausesOneFetch) {
  const std::string content = RandomBytes(300'000, 1);
  HttpOrigin::Answer answer = Announce(content.size(), content.substr(0, 1000));
  answer.rest = content.substr(1000);
  origin_.Serve("/pub/a", answer);
  StartNode({"--upstream_fresh=1000"});
  constexpr int kCrowd = 40;
  std::vector<Peer> crowd;
  for (int i = 0; i < kCrowd; ++i) {
    crowd.push_back(Connect("http"));
    crowd.back().Send(RequestFor("/a"));
  }
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  EXPECT_EQ(root().Names(), Names()) << "not visible in part";
  origin_.Release();
  for (Peer& peer : crowd) {
    const std::string reply = peer.ReadToEnd();
    peer = Peer("");  // A model that serves one client at a time waits for its end.
    EXPECT_EQ(CodeOf(reply), 200);
    EXPECT_EQ(Sha256(ContentOf(reply)), Sha256(content));
  }
  EXPECT_EQ(origin_.requests("/pub/a"), 1u);
}

TEST_F(UpstreamTest, ServerThatIsSlowKeepsNobodyOut) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: the one thread waits for one client";
  root().Write("own", "mine");
  HttpOrigin::Answer answer = Announce(6, "the");
  answer.rest = "irs";
  origin_.Serve("/pub/a", answer);
  StartNode();
  Peer slow = Connect("http");
  slow.Send(RequestFor("/a"));
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  ExpectServesOthers();
  EXPECT_EQ(ContentOf(Get("/own")), "mine");
  origin_.Release();
  EXPECT_EQ(ContentOf(slow.ReadToEnd()), "theirs");
}

TEST_F(UpstreamTest, FileThatWasFetchedHasRangesAndConditions) {
  origin_.ServeFile("/pub/sub/a.txt", "0123456789", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  StartNode();
  const std::string part = Get("/sub/a.txt", "Range: bytes=2-4\r\n");
  EXPECT_EQ(CodeOf(part), 206);
  EXPECT_EQ(ContentOf(part), "234");
  EXPECT_TRUE(absl::StrContains(part, "\r\nContent-Type: text/plain"));
  EXPECT_TRUE(absl::StrContains(part, "\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  const std::string etag = HttpOrigin::ETagOf("0123456789");
  EXPECT_TRUE(absl::StrContains(part, absl::StrCat("\r\nETag: ", etag, "\r\n")));
  EXPECT_EQ(CodeOf(Get("/sub/a.txt", absl::StrCat("If-None-Match: ", etag, "\r\n"))), 304);
  EXPECT_EQ(origin_.requests("/pub/sub/a.txt"), 1u);
}

TEST_F(UpstreamTest, RequestsBehindAFetchAreAnsweredInTheirOrder) {
  root().Write("own", "mine");
  HttpOrigin::Answer answer = Announce(6, "");
  answer.rest = "theirs";
  origin_.Serve("/pub/a", answer);
  StartNode();
  Peer peer = Connect("http");
  peer.Send("GET /own HTTP/1.1\r\nHost: localhost\r\n\r\nGET /a HTTP/1.1\r\nHost: localhost\r\n\r\nGET /o");
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  peer.Send("wn HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  origin_.Release();
  const std::string replies = peer.ReadToEnd();
  const size_t first = replies.find("\r\n\r\nmine"), second = replies.find("\r\n\r\ntheirs");
  EXPECT_LT(first, second);
  EXPECT_TRUE(second != std::string::npos && absl::EndsWith(replies, "\r\n\r\nmine")) << replies;
}

TEST_F(UpstreamTest, StaleCopyIsServedWhileItIsValidated) {
  origin_.ServeFile("/pub/a", "one");
  StartNode({"--upstream_fresh=0"});
  EXPECT_EQ(ContentOf(Get("/a")), "one");
  EXPECT_TRUE(Eventually([this] {
    EXPECT_EQ(ContentOf(Get("/a")), "one");
    return absl::StrContains(origin_.last_request("/pub/a"), "\r\nIf-None-Match: ");
  }));
  HttpOrigin::Answer answer = Announce(3, "");
  answer.rest = "two";
  origin_.Serve("/pub/a", answer);
  EXPECT_TRUE(Eventually([this] {
    EXPECT_EQ(ContentOf(Get("/a")), "one") << "nobody waits for the new one";
    return origin_.held() == 1;
  }));
  origin_.Release();
  EXPECT_TRUE(Eventually([this] { return ContentOf(Get("/a")) == "two"; }));
}

TEST_F(UpstreamTest, FileThatIsGoneOnTheOtherServerGoesHereToo) {
  origin_.ServeFile("/pub/a", "one", "Cache-Control: no-cache\r\n");
  StartNode();
  EXPECT_EQ(ContentOf(Get("/a")), "one");
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_EQ(CodeOf(Get("/a")), 404);
  EXPECT_EQ(CodeOf(Get("/none")), 404);
  EXPECT_EQ(root().Names(), Names());
}

TEST_F(UpstreamTest, ServerThatDiesInTheMiddleOrLiesLeavesNothing) {
  HttpOrigin::Answer reset = Announce(10, "hello");
  reset.resets = true;
  origin_.Serve("/pub/short", Announce(10, "hello"));
  origin_.Serve("/pub/reset", reset);
  origin_.Serve("/pub/endless", {.bytes = "HTTP/1.1 200 OK\r\n\r\nhello"});
  origin_.Serve("/pub/nothing", {});
  StartNode();
  for (const char* target : {"/short", "/reset", "/endless", "/nothing"}) {
    const std::string reply = Get(target);
    EXPECT_EQ(CodeOf(reply), 502) << target;
    EXPECT_FALSE(absl::StrContains(reply, origin_.address())) << "where it is, is for the log";
  }
  EXPECT_EQ(root().Names(), Names());
  origin_.ServeFile("/pub/short", "whole");
  EXPECT_EQ(ContentOf(Get("/short")), "whole");
}

TEST_F(UpstreamTest, ServerThatStandsStillHasItsTimeAndNoMore) {
  HttpOrigin::Answer half = Announce(10, "hello");
  half.stays = true;
  origin_.Serve("/pub/silent", {.stays = true});
  origin_.Serve("/pub/half", half);
  has_timeout_ = true;
  StartNode({"--upstream_timeout=100ms"});
  EXPECT_EQ(CodeOf(Get("/silent")), 504);
  EXPECT_EQ(CodeOf(Get("/half")), 504);
  EXPECT_EQ(root().Names(), Names());
  EXPECT_TRUE(Eventually([this] { return origin_.connections() == 0; }));
}

// What waits for another server is a request under way.
TEST_F(UpstreamTest, FileIsServedBeforeTheServerStops) {
  HttpOrigin::Answer answer = Announce(6, "");
  answer.rest = "theirs";
  origin_.Serve("/pub/a", answer);
  StartNode();
  Peer peer = Connect("http");
  peer.Send(RequestFor("/a"));
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  server().SignalAndAwaitDelivery(SIGTERM);
  origin_.Release();
  EXPECT_EQ(ContentOf(peer.ReadToEnd()), "theirs");
  ExpectCleanExit();
}

TEST_F(UpstreamTest, UpgradeLosesNoClientThatWaits) {
  HttpOrigin::Answer answer = Announce(6, "");
  answer.rest = "theirs";
  origin_.Serve("/pub/a", answer);
  origin_.ServeFile("/pub/b", "one");
  StartNode({"--drain_timeout=10m"});
  Peer peer = Connect("http");
  peer.Send(RequestFor("/a"));
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  ASSERT_TRUE(server().Upgrade());
  EXPECT_EQ(ContentOf(Get("/b")), "one");
  origin_.Release();
  EXPECT_EQ(ContentOf(peer.ReadToEnd()), "theirs");
  server().AwaitPredecessors();
  EXPECT_EQ(ContentOf(Get("/a")), "theirs");
  // It was forked while the new server had what the earlier one has left it, and would keep it open.
  ASSERT_NE(Fetcher(), 0);
  EXPECT_TRUE(ListenersOf(Fetcher(), server().address("http")).empty());
}

TEST_F(UpstreamTest, ClientThatLeavesMeanwhileLeavesNothing) {
  HttpOrigin::Answer answer = Announce(6, "");
  answer.rest = "theirs";
  origin_.Serve("/pub/a", answer);
  StartNode();
  NoteFootprint();
  {
    Peer peer = Connect("http");
    peer.Send(RequestFor("/a"));
    ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
    peer.Reset();
  }
  origin_.Release();
  EXPECT_TRUE(Eventually([this] { return origin_.connections() == 0; }));
  ExpectFootprint();
  EXPECT_EQ(ContentOf(Get("/a")), "theirs") << "it is kept for the next one";
  EXPECT_EQ(origin_.requests("/pub/a"), 1u);
}

TEST_F(UpstreamTest, ClientsStoreNothing) {
  StartNode();
  Peer peer = Connect("http");
  peer.Send("PUT /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(CodeOf(peer.ReadToEnd()), 405);
  EXPECT_EQ(root().Names(), Names());
}

TEST_F(UpstreamTest, CopiesBeyondTheBoundGiveWayAndOwnFilesStay) {
  root().Write("own", "as large as it likes");
  for (const char* name : {"a", "b", "c"}) origin_.ServeFile(absl::StrCat("/pub/", name), "1234");
  StartNode({"--upstream_cache=10"});
  for (const char* target : {"/a", "/b", "/c"}) EXPECT_EQ(ContentOf(Get(target)), "1234");
  EXPECT_EQ(root().Names(), (Names{"b", "c", "own"}));
  origin_.ServeFile("/pub/large", "12345678901");
  EXPECT_EQ(CodeOf(Get("/large")), 507);
}

TEST_F(UpstreamTest, ServesWhatItHasIfTheProcessThatFetchesIsKilled) {
  origin_.ServeFile("/pub/a", "one");
  StartNode();
  EXPECT_EQ(ContentOf(Get("/a")), "one");
  ASSERT_NE(Fetcher(), 0);
  ASSERT_EQ(::kill(Fetcher(), SIGKILL), 0);
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "fetches files has ended"); }));
  EXPECT_EQ(CodeOf(Get("/b")), 502);
  EXPECT_EQ(ContentOf(Get("/a")), "one");
}

TEST_F(UpstreamTest, FetchesForTheServiceOfFiles) {
  HttpOrigin::Answer answer = Announce(6, "");
  answer.rest = "theirs";
  origin_.Serve("/pub/sub/a", answer);
  StartNode();
  Peer peer = Connect("file");
  peer.Send("G sub/a\nR sub/a 2 2\nS none\n");
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  origin_.Release();
  EXPECT_EQ(peer.ReadLine(), "OK 6\n");
  EXPECT_EQ(peer.Read(6), "theirs");
  EXPECT_EQ(peer.ReadLine(), "OK 2\n");
  EXPECT_EQ(peer.Read(2), "ei");
  EXPECT_EQ(peer.ReadLine(), "ERR 404 there is no such file\n");
}

TEST_F(UpstreamTest, FetchesForClientsOfTftp) {
  HttpOrigin::Answer answer = Announce(6, "");
  answer.rest = "theirs";
  origin_.Serve("/pub/sub/a", answer);
  ServeAlso("tftp+udp");
  StartNode();
  TftpPeer peer(server().address("tftp+udp"));
  peer.Send(TftpPacketOf("RRQ /sub/a octet"));
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  peer.SendToServer(TftpPacketOf("RRQ /sub/a octet"));  // It repeats its request, as clients do.
  origin_.Release();
  EXPECT_EQ(DescribeTftpPacket(peer.Receive().value_or("nothing")), "DATA 1 theirs");
  peer.Send(TftpPacketOf("ACK 1"));
  TftpPeer other(server().address("tftp+udp"));
  other.Send(TftpPacketOf("RRQ none octet"));
  EXPECT_EQ(DescribeTftpPacket(other.Receive().value_or("nothing")), "ERROR 1 there is no such file");
}

TEST_F(UpstreamTest, FetchesForClientsOfTls) {
  const TestCertificate certificate = MakeTestCertificate("localhost");
  const Scratch files;
  files.Write("both.pem", absl::StrCat(certificate.certificate, certificate.key));
  origin_.ServeFile("/pub/a", "one");
  ServeAlso("http+tls");
  StartNode({absl::StrCat("--tls_cert=", files.PathOf("both.pem"))});
  TlsPeer peer(server().address("http+tls"), {.trusts = certificate.certificate});
  peer.Send(RequestFor("/a"));
  EXPECT_EQ(ContentOf(peer.ReadToEnd()), "one");
}

// Two nodes in a row: the far one asks the near one, which asks the other server.
TEST_F(UpstreamTest, FetchesFromAnotherServerOfThisKind) {
  origin_.ServeFile("/pub/sub/a", "one");
  const Scratch near_root;
  ServerProcess near(
      {.flags = {"--model=thread", "--listen=http://127.0.0.1:0", absl::StrCat("--root=", near_root.path()),
                 absl::StrCat("--upstream=http://", origin_.address(), "/pub")}});
  ASSERT_TRUE(near.ready()) << near.log();
  StartBehind(absl::StrCat("http://", near.address("http")));
  EXPECT_EQ(ContentOf(Get("/sub/a")), "one");
  EXPECT_EQ(near_root.Read("sub/a"), "one");
  EXPECT_EQ(root().Read("sub/a"), "one");
  EXPECT_EQ(CodeOf(Get("/sub")), 301) << "a directory by now";
  EXPECT_EQ(CodeOf(Get("/none")), 404);
  near.Signal(SIGTERM);
  EXPECT_EQ(near.AwaitExit(), 0);
}

}  // namespace

}  // namespace polyserve
