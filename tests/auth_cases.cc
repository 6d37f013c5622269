// --auth_file under every model: who gets what over each service, that a new version of the file holds at once, and
// that all processes of a server know what one of them has found out.
#include <signal.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/datagram_peer.h"
#include "tests/eventually.h"
#include "tests/every_model.h"
#include "tests/file_talk.h"
#include "tests/peer.h"
#include "tests/scratch.h"
#include "tests/tftp_peer.h"

namespace polyserve {

namespace {

// Of "secret" and of "token", at the lowest cost.
constexpr absl::string_view kSecretHash = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
constexpr absl::string_view kTokenHash = "$2b$04$abcdefghijklmnopqrstuuXW5JZg9aMqUYNJxQVUKvcx/Agx.PPZe";

std::string Basic(absl::string_view name_and_password) {
  return absl::StrCat("Authorization: Basic ", absl::Base64Escape(name_and_password), "\r\n");
}

std::string HttpRequestOf(absl::string_view method_and_target, absl::string_view fields,
                          absl::string_view content = "") {
  const std::string length = content.empty() ? "" : absl::StrCat("Content-Length: ", content.size(), "\r\n");
  return absl::StrCat(method_and_target, " HTTP/1.1\r\nHost: x\r\n", fields, length, "\r\n", content);
}

// The code and the content of the next reply of a connection that stays, as "200 hello".
std::string ReadHttpReply(Peer& peer) {
  std::string head;
  while (!absl::EndsWith(head, "\r\n\r\n")) {
    const std::string line = peer.ReadLine();
    if (line.empty()) return absl::StrCat("(cut off) ", head);
    head += line;
  }
  size_t length = 0;
  const size_t field = head.find("Content-Length: ");
  if (field != std::string::npos) {
    const absl::string_view value = absl::string_view(head).substr(field + 16);
    EXPECT_TRUE(absl::SimpleAtoi(value.substr(0, value.find('\r')), &length));
  }
  return absl::StrCat(head.substr(9, 3), " ", peer.Read(length));
}

class AuthTest : public EveryModelTest {
 protected:
  void SetUp() override {
    EveryModelTest::SetUp();
    root().Write("a", "hello");
    root().MakeDirectory("public");
    root().Write("public/b", "for all");
  }

  // ada may read all, and write in public; bob may chat; eve may see the server's own pages; everyone may read in
  // public.
  std::string UsualUsers() const {
    return absl::StrCat("*::read:/public\nada:", kSecretHash, ":read write:/public\nbob:", kTokenHash,
                        ":chat\neve:", kTokenHash, ":admin\n");
  }
  void StartWithUsers(absl::string_view users, std::vector<std::string> flags = {}) {
    users_.Write("users", users);
    flags.push_back(absl::StrCat("--auth_file=", users_.PathOf("users")));
    StartServer(std::move(flags));
  }
  // Has the running server read this as its file.
  void Reload(absl::string_view users) {
    users_.Write("users", users);
    server().SignalAndAwaitDelivery(SIGHUP);
  }
  // The reply of a new connection.
  std::string Http(absl::string_view method_and_target, absl::string_view fields = "", absl::string_view content = "") {
    Peer peer = Connect("http");
    peer.Send(HttpRequestOf(method_and_target, fields, content));
    return ReadHttpReply(peer);
  }

  Scratch users_;
};

TEST_F(AuthTest, HttpServesEachWhatItMayHave) {
  StartWithUsers(UsualUsers());
  EXPECT_TRUE(absl::StartsWith(Http("GET /a"), "401 "));
  EXPECT_EQ(Http("GET /public/b"), "200 for all");
  EXPECT_EQ(Http("GET /a", Basic("ada:secret")), "200 hello");
  EXPECT_EQ(Http("GET /a", "Authorization: Bearer ada.secret\r\n"), "200 hello");
  EXPECT_TRUE(absl::StartsWith(Http("GET /a", Basic("bob:token")), "403 "));
  EXPECT_TRUE(absl::StartsWith(Http("GET /a", Basic("ada:token")), "401 "));
  EXPECT_TRUE(absl::StartsWith(Http("PUT /public/c", Basic("ada:secret"), "new"), "201 "));
  EXPECT_TRUE(absl::StartsWith(Http("PUT /c", Basic("ada:secret"), "new"), "403 "));
  EXPECT_EQ(root().Read("public/c"), "new");
  EXPECT_EQ(root().Read("c"), "");
  EXPECT_TRUE(absl::StartsWith(Http("GET /-/status", Basic("ada:secret")), "403 "));
  EXPECT_TRUE(absl::StartsWith(Http("GET /-/status", Basic("eve:token")), "200 "));
}

TEST_F(AuthTest, RequestsThatAreSentAtOnceAreAnsweredInOrder) {
  StartWithUsers(UsualUsers());
  Peer peer = Connect("http");
  peer.Send(absl::StrCat(HttpRequestOf("GET /a", Basic("ada:secret")), HttpRequestOf("GET /a", ""),
                         HttpRequestOf("GET /a", Basic("ada:wrong")), HttpRequestOf("GET /public/b", ""),
                         HttpRequestOf("PUT /public/c", Basic("ada:secret"), "new"),
                         HttpRequestOf("GET /public/c", Basic("bob:token"))));
  EXPECT_EQ(ReadHttpReply(peer), "200 hello");
  EXPECT_TRUE(absl::StartsWith(ReadHttpReply(peer), "401 "));
  EXPECT_TRUE(absl::StartsWith(ReadHttpReply(peer), "401 "));
  EXPECT_EQ(ReadHttpReply(peer), "200 for all");
  EXPECT_TRUE(absl::StartsWith(ReadHttpReply(peer), "201 "));
  EXPECT_EQ(ReadHttpReply(peer), "200 new");
}

TEST_F(AuthTest, FileServesEachWhatItMayHave) {
  StartWithUsers(UsualUsers());
  Peer peer = Connect("file");
  EXPECT_EQ(Get(peer, "a").code(), "ERR 401");
  EXPECT_EQ(Get(peer, "public/b").body, "for all");
  EXPECT_EQ(Put(peer, "public/c", "new").code(), "ERR 401");
  EXPECT_EQ(Ask(peer, "A ada wrong").code(), "ERR 401");
  EXPECT_EQ(Get(peer, "a").code(), "ERR 401");
  EXPECT_EQ(Ask(peer, "A ada secret").line, "OK 0");
  EXPECT_EQ(Get(peer, "a").body, "hello");
  EXPECT_EQ(Put(peer, "c", "new").code(), "ERR 403");
  EXPECT_EQ(Put(peer, "public/c", "new").line, "OK 0");
  EXPECT_EQ(Ask(peer, "D d").code(), "ERR 403");
  EXPECT_EQ(Get(peer, "public/../a").code(), "ERR 400");
  EXPECT_EQ(root().Read("public/c"), "new");
  EXPECT_EQ(root().Read("c"), "");
}

TEST_F(AuthTest, ServerWithoutAFileHasNoPasswords) {
  StartServer();
  Peer peer = Connect("file");
  EXPECT_EQ(Ask(peer, "A ada secret").code(), "ERR 405");
  EXPECT_EQ(Get(peer, "a").body, "hello");
}

TEST_F(AuthTest, ProtocolsWithoutPasswordsServeWhatEveryoneMayHave) {
  ServeAlso("tftp+udp");
  StartWithUsers("*::read:/public write:/public/new\n", {"--tftp_writes"});
  const auto ask_tftp = [this](absl::string_view request) {
    TftpPeer peer(server().address("tftp+udp"));
    peer.Send(TftpPacketOf(request));
    const std::string answer = DescribeTftpPacket(peer.Receive().value_or(""));
    peer.Send(TftpPacketOf("ERROR 0 that was all"));
    return answer;
  };
  EXPECT_EQ(ask_tftp("RRQ public/b octet"), "DATA 1 for all");
  EXPECT_TRUE(absl::StartsWith(ask_tftp("RRQ a octet"), "ERROR 2 "));
  EXPECT_TRUE(absl::StartsWith(ask_tftp("WRQ c octet"), "ERROR 2 "));
  EXPECT_TRUE(absl::StartsWith(ask_tftp("RRQ /public/../a octet"), "ERROR 2 "));
  Peer unframed = Connect("file-unframed");
  unframed.Send("G a");
  EXPECT_EQ(unframed.Read(4), "this") << "needs a password";
}

TEST_F(AuthTest, ChatIsForThoseWithTheRight) {
  ServeAlso("chat");
  ServeAlso("chat+udp");
  StartWithUsers(UsualUsers());
  {
    Peer peer = Connect("chat");
    peer.Send("L carl\n");
    EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR 401 "));
    peer.Send("A ada secret\nL carl\n");
    EXPECT_EQ(peer.ReadLine(), "OK\n");
    EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR 403 "));
    peer.Send("A bob wrong\nA bob token\nL carl\nE carl\n");
    EXPECT_TRUE(absl::StartsWith(peer.ReadLine(), "ERR 401 "));
    EXPECT_EQ(peer.ReadLine(), "OK\n");
    EXPECT_EQ(peer.ReadLine(), "OK\n");
    EXPECT_EQ(peer.ReadToEnd(), "EXIT\n");
  }
  EXPECT_TRUE(absl::StartsWith(Http("GET /-/chat"), "401 "));
  EXPECT_TRUE(absl::StartsWith(Http("GET /-/chat", Basic("ada:secret")), "403 "));
  EXPECT_TRUE(absl::StartsWith(Http("GET /-/chat", Basic("bob:token")), "426 ")) << "a WebSocket would be welcome";
  DatagramPeer datagrams(server().address("chat+udp"));
  datagrams.Send("L dora");
  EXPECT_EQ(datagrams.Receive().value_or(""), "the room needs a password, and this dialect has none");
}

TEST_F(AuthTest, NewVersionOfTheFileHoldsForConnectionsThatStay) {
  if (!can().keeps_clients_apart) GTEST_SKIP() << "by design: it serves one client at a time";
  StartWithUsers(UsualUsers());
  Peer http = Connect("http");
  Peer file = Connect("file");
  const std::string get = HttpRequestOf("GET /a", Basic("ada:secret"));
  http.Send(get);
  EXPECT_EQ(ReadHttpReply(http), "200 hello");
  EXPECT_EQ(Ask(file, "A ada secret").line, "OK 0");
  EXPECT_EQ(Get(file, "a").body, "hello");
  Reload(absl::StrCat("ada:", kTokenHash, ":read\n"));
  EXPECT_TRUE(Eventually([&] { return absl::StartsWith(Http("GET /public/b"), "401 "); }));
  http.Send(get);
  EXPECT_TRUE(absl::StartsWith(ReadHttpReply(http), "401 ")) << "the password has changed";
  EXPECT_EQ(Get(file, "a").code(), "ERR 401");
  EXPECT_EQ(Http("GET /a", Basic("ada:token")), "200 hello");
}

TEST_F(AuthTest, FaultyVersionOfTheFileIsReportedAndTheOldOneStays) {
  StartWithUsers(UsualUsers());
  Reload("*::read\nada:a secret:read\n");
  EXPECT_TRUE(Eventually([this] { return absl::StrContains(server().log(), "still using the previous version"); }));
  EXPECT_TRUE(absl::StrContains(server().log(), "users, line 2: ")) << server().log();
  EXPECT_FALSE(absl::StrContains(server().log(), "a secret")) << server().log();
  EXPECT_EQ(Http("GET /a", Basic("ada:secret")), "200 hello");
  EXPECT_TRUE(absl::StartsWith(Http("GET /a"), "401 "));
}

// Each connection may be another process's. What one has found out, about a password or an address, all of them know.
TEST_F(AuthTest, AddressThatFailsTooOftenIsRefusedByAllButKnownUsersAreServed) {
  StartWithUsers(UsualUsers(), {"--auth_failures=3"});
  EXPECT_EQ(Http("GET /a", Basic("ada:secret")), "200 hello");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(absl::StartsWith(Http("GET /a", Basic("ada:wrong")), "401 "));
  EXPECT_TRUE(absl::StartsWith(Http("GET /a", Basic("bob:token")), "429 ")) << "right, but never seen before";
  Peer file = Connect("file");
  EXPECT_EQ(Ask(file, "A bob token").code(), "ERR 429");
  EXPECT_EQ(Ask(file, "A ada secret").line, "OK 0");
  file.Reset();
  EXPECT_EQ(Http("GET /a", Basic("ada:secret")), "200 hello");
  EXPECT_EQ(Http("GET /public/b"), "200 for all");
}

TEST_F(AuthTest, PagesOfTheServerAreForAddressesOfTheList) {
  StartServer({"--admin_from=192.0.2.0/24,2001:db8::/32"});
  EXPECT_TRUE(absl::StartsWith(Http("GET /-/status"), "403 "));
  EXPECT_TRUE(absl::StartsWith(Http("GET /-/"), "403 "));
  EXPECT_EQ(Http("GET /a"), "200 hello");
}

TEST_F(AuthTest, PagesOfTheServerAreServedToAddressesOfTheList) {
  StartServer({"--admin_from=127.0.0.0/8"});
  EXPECT_TRUE(absl::StartsWith(Http("GET /-/status"), "200 "));
}

}  // namespace

}  // namespace polyserve
