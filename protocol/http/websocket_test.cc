// http: the request that opens a WebSocket, requests that do not, and the conversation before and after it.
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "access/access.h"
#include "gtest/gtest.h"
#include "protocol/chat/session.h"
#include "protocol/http/test_fixture.h"
#include "protocol/websocket/test_client.h"
#include "room/local_room.h"

namespace polyserve {
namespace {

class HttpWebSocketTest : public HttpFixture {
 protected:
  HttpWebSocketTest() {
    site_options_.chat = [this](absl::string_view, const Permissions&) { return std::make_unique<ChatSession>(room_); };
  }

  // The reply to a request that differs by this from one that opens a WebSocket.
  std::string Ask(absl::string_view from, absl::string_view to) {
    const std::string request = absl::StrReplaceAll(WsRequest("localhost:80"), {{from, to}});
    EXPECT_NE(request, WsRequest("localhost:80"));
    return Talk(request).replies;
  }

  static bool AsksForWebSocket(absl::string_view reply) {
    return CodeOf(reply) == 426 && FieldOf(reply, "Upgrade") == "websocket" &&
           FieldOf(reply, "Connection") == "Upgrade" && FieldOf(reply, "Sec-WebSocket-Version") == "13";
  }

  LocalRoom room_{"管理员"};
};

TEST_F(HttpWebSocketTest, RequestBecomesAConversation) {
  const std::string input = absl::StrCat(Request("GET /a"), WsRequest("localhost", "Origin: http://LOCALHOST\r\n"),
                                         WsText("L bob"), WsText("E bob"));
  const Transcript transcript = Talk(input);
  EXPECT_TRUE(transcript.closed);
  const size_t begin = transcript.replies.find("HTTP/1.1 101 Switching Protocols\r\n");
  ASSERT_NE(begin, std::string::npos);
  const std::string reply = transcript.replies.substr(begin);
  EXPECT_EQ(FieldOf(reply, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455, section 1.3.
  EXPECT_EQ(FieldOf(reply, "Upgrade"), "websocket");
  EXPECT_EQ(FieldOf(reply, "Connection"), "Upgrade");
  EXPECT_EQ(FieldOf(reply, "Content-Length"), "");
  EXPECT_EQ(WsRead(ContentOf(reply)), "text: OK\ntext: EXIT\nclose 1000\n");
}

TEST_F(HttpWebSocketTest, TokensMayBeWrittenInOtherWays) {
  EXPECT_EQ(CodeOf(Ask("Connection: Upgrade", "connection: keep-alive, upgrade")), 101);
  EXPECT_EQ(CodeOf(Ask("Upgrade: websocket", "Upgrade: h2c,  WebSocket")), 101);
  EXPECT_EQ(CodeOf(Ask("Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket")), 101);
  EXPECT_EQ(CodeOf(Ask("/-/chat", "/-/chat?name=ada")), 101);
}

TEST_F(HttpWebSocketTest, WhoAsksForAPageIsToldThatThereIsNone) {
  EXPECT_TRUE(AsksForWebSocket(Get("/-/chat")));
  EXPECT_TRUE(AsksForWebSocket(Head("/-/chat")));
  EXPECT_TRUE(AsksForWebSocket(Ask("GET", "HEAD")));
  EXPECT_TRUE(AsksForWebSocket(Ask("Connection: Upgrade\r\n", "")));
  EXPECT_TRUE(AsksForWebSocket(Ask("Upgrade: websocket", "Upgrade: h2c")));
  EXPECT_TRUE(AsksForWebSocket(Ask("Version: 13", "Version: 8")));
  EXPECT_TRUE(absl::StartsWith(Ask("HTTP/1.1", "HTTP/1.0"), "HTTP/1.1 426 ")) << "RFC 9110, section 7.8";
  EXPECT_EQ(CodeOf(Ask("GET", "PUT")), 404);
  EXPECT_EQ(CodeOf(Ask("/-/chat", "/-/chat/")), 404);
  EXPECT_EQ(CodeOf(Ask("/-/chat", "/a")), 200) << "an upgrade that is not offered is passed over";
}

TEST_F(HttpWebSocketTest, MalformedHandshakeIsRefused) {
  constexpr absl::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
  for (absl::string_view key : {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=!",
                                "dGhlIHNhbXBsZSBub25jZTE=", "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="}) {
    EXPECT_EQ(CodeOf(Ask(kKey, key)), 400) << key;
  }
  EXPECT_EQ(
      CodeOf(Ask("Upgrade: websocket\r\n", "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")),
      400);
  EXPECT_EQ(CodeOf(Ask("Sec-WebSocket-Version: 13\r\n", "")), 400);
  EXPECT_EQ(CodeOf(Ask("Upgrade: websocket\r\n", "Upgrade: websocket\r\nContent-Length: 1\r\n")), 400);
  EXPECT_EQ(CodeOf(Ask("Host: localhost:80\r\n", "")), 400);
}

TEST_F(HttpWebSocketTest, PageOfAnotherOriginIsRefused) {
  for (absl::string_view origin :
       {"http://other", "http://localhost:81", "http://localhost", "null", "", "localhost:80", "ftp://localhost:80",
        "http://localhost:80/", "http://localhost:80.other", "http://localhost:80\r\nOrigin: http://localhost:80"}) {
    const std::string line = absl::StrCat("Upgrade: websocket\r\nOrigin: ", origin, "\r\n");
    EXPECT_EQ(CodeOf(Ask("Upgrade: websocket\r\n", line)), 403) << origin;
  }
  for (absl::string_view origin : {"http://localhost:80", "https://localhost:80"}) {
    const std::string line = absl::StrCat("Upgrade: websocket\r\nOrigin: ", origin, "\r\n");
    EXPECT_EQ(CodeOf(Ask("Upgrade: websocket\r\n", line)), 101) << origin;
  }
}

// DNS rebinding: the page's own name resolves to this server's address, so its origin equals the Host.
TEST_F(HttpWebSocketTest, PageOfAReboundNameIsRefused) {
  site_options_.allowed_hosts = *HttpAllowedHosts::Parse("");
  EXPECT_EQ(CodeOf(Talk(WsRequest("evil.example:8080", "Origin: http://evil.example:8080\r\n")).replies), 421);
  const std::string welcome =
      Talk(WsRequest("localhost:8080", "Origin: http://localhost:8080\r\n") + WsClose(1000)).replies;
  EXPECT_EQ(CodeOf(welcome), 101);
}

TEST_F(HttpWebSocketTest, IsNoPageOfAServerWithoutAChat) {
  site_options_.chat = nullptr;
  const std::string reply = Talk(WsRequest("localhost")).replies;
  EXPECT_EQ(ContentOf(reply), "404 Not Found: the server has no such page\n");
}

}  // namespace
}  // namespace polyserve
