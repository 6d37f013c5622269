// http: who may have what, and what the others are told.
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "access/address_set.h"
#include "access/test_users.h"
#include "base/line_output.h"
#include "files/log_file.h"
#include "gtest/gtest.h"
#include "protocol/http/session.h"
#include "protocol/http/site.h"
#include "protocol/http/test_fixture.h"
#include "protocol/output.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {

namespace {

std::string Basic(absl::string_view name_and_password) {
  return absl::StrCat("Authorization: Basic ", absl::Base64Escape(name_and_password), "\r\n");
}

class HttpAuthorizationTest : public HttpFixture {
 protected:
  // ada may read all and write in sub, bob may chat and see the server's own pages, everyone may read in site.
  void SetUp() override {
    HttpFixture::SetUp();
    users_ = std::make_unique<TestUsers>(absl::StrCat("*::read:/site\nada:", TestUsers::kHash,
                                                      ":read write:/sub\nbob:", TestUsers::kHash, ":chat,admin\n"),
                                         failures_per_minute_);
    site_options_.access = users_->access();
  }

  int Code(absl::string_view method_and_target, absl::string_view fields = "") {
    return CodeOf(Talk(Request(method_and_target, fields)).replies);
  }
  int CodeOfPut(absl::string_view target, absl::string_view fields = "") {
    const std::string all_fields = absl::StrCat(fields, "Content-Length: 3\r\n");
    return CodeOf(Talk(Request(absl::StrCat("PUT ", target), all_fields, "new")).replies);
  }

  int failures_per_minute_ = 0;
  std::unique_ptr<TestUsers> users_;
};

TEST_F(HttpAuthorizationTest, ClientWithoutCredentialsIsAskedForThem) {
  const std::string reply = Get("/a");
  EXPECT_EQ(CodeOf(reply), 401);
  EXPECT_EQ(FieldOf(reply, "WWW-Authenticate"), "Basic realm=\"polyserve\", charset=\"UTF-8\"");
  EXPECT_EQ(Code("GET /none"), 401) << "what is not there looks the same";
  EXPECT_EQ(Code("GET /"), 401);
  EXPECT_EQ(Code("HEAD /a"), 401);
  EXPECT_EQ(CodeOfPut("/site/a"), 401);
}

TEST_F(HttpAuthorizationTest, EveryoneHasTheRightsOfTheStar) {
  EXPECT_EQ(ContentOf(Get("/site/")), "<p>index");
  EXPECT_EQ(Code("GET /site/none"), 404);
}

TEST_F(HttpAuthorizationTest, RightCredentialsGiveTheirUsersRights) {
  EXPECT_EQ(ContentOf(Get("/a", Basic("ada:secret"))), "hello");
  EXPECT_EQ(ContentOf(Get("/a", "Authorization: Bearer ada.secret\r\n")), "hello");
  const std::string put = Request("PUT /sub/new", absl::StrCat(Basic("ada:secret"), "Content-Length: 3\r\n"), "new");
  EXPECT_EQ(CodeOf(TalkOnce(put).replies), 201);
  EXPECT_EQ(ContentOf(Get("/site/", Basic("bob:secret"))), "<p>index") << "and those of everyone";
}

TEST_F(HttpAuthorizationTest, KnownUserWithoutTheRightIsForbidden) {
  const std::string reply = Get("/a", Basic("bob:secret"));
  EXPECT_EQ(CodeOf(reply), 403);
  EXPECT_EQ(FieldOf(reply, "WWW-Authenticate"), "");
  EXPECT_EQ(CodeOfPut("/new", Basic("ada:secret")), 403);
  EXPECT_EQ(CodeOfPut("/sub/deep", Basic("bob:secret")), 403);
  EXPECT_EQ(Content("sub/deep"), "deep");
}

TEST_F(HttpAuthorizationTest, WrongCredentialsAreRefusedEvenForWhatEveryoneMayHave) {
  for (const absl::string_view wrong : {"ada:Secret", "ada:", "eve:secret", "*:", ":", "ada"}) {
    const std::string reply = Get("/site/", Basic(wrong));
    EXPECT_EQ(CodeOf(reply), 401) << wrong;
    EXPECT_NE(FieldOf(reply, "WWW-Authenticate"), "") << wrong;
  }
}

TEST_F(HttpAuthorizationTest, OtherSchemesCountAsNoCredentials) {
  EXPECT_EQ(Code("GET /site/", "Authorization: Negotiate abc\r\n"), 200);
  EXPECT_EQ(Code("GET /a", "Authorization: Negotiate abc\r\n"), 401);
}

TEST_F(HttpAuthorizationTest, SecondAuthorizationIsNotIgnored) {
  EXPECT_EQ(Code("GET /site/", absl::StrCat(Basic("ada:secret"), Basic("ada:secret"))), 401);
}

TEST_F(HttpAuthorizationTest, NoSpellingOfAPathLeadsOutOfADirectory) {
  for (const absl::string_view path : {"/site/../a", "/site/%2e%2e/a", "/site//../a", "/./a", "//a", "/site/./../a"}) {
    EXPECT_EQ(Code(absl::StrCat("GET ", path)), 401) << path;
  }
  EXPECT_EQ(Code("GET /sub/../site/"), 200) << "that is where it leads";
  EXPECT_EQ(Code("GET /site/..%2fa"), 400);
  EXPECT_EQ(Code("GET http://x/a"), 401);
}

TEST_F(HttpAuthorizationTest, EachRequestOfAConnectionIsJudgedByItself) {
  const std::string replies = Talk(absl::StrCat(Request("GET /a", Basic("ada:secret")), Request("GET /a"),
                                                Request("GET /a", Basic("ada:wrong")), Request("GET /site/index.html")))
                                  .replies;
  EXPECT_TRUE(absl::StartsWith(replies, "HTTP/1.1 200 ")) << replies;
  EXPECT_TRUE(absl::StrContains(replies, "helloHTTP/1.1 401 ")) << replies;
  EXPECT_TRUE(absl::StrContains(replies, "is wrong\nHTTP/1.1 200 ")) << replies;
}

TEST_F(HttpAuthorizationTest, RefusedUploadIsDiscardedAndTheConnectionGoesOn) {
  const std::string put = Request("PUT /new", absl::StrCat(Basic("bob:secret"), "Content-Length: 3\r\n"), "new");
  const std::string replies = Talk(absl::StrCat(put, Request("GET /site/"))).replies;
  EXPECT_TRUE(absl::StartsWith(replies, "HTTP/1.1 403 ")) << replies;
  EXPECT_TRUE(absl::StrContains(replies, "\nHTTP/1.1 200 ")) << replies;
  EXPECT_FALSE(std::filesystem::exists(root_ / "new"));
}

TEST_F(HttpAuthorizationTest, UploadIsRefusedBeforeItsContent) {
  const std::string reply = TalkOnce(Request("PUT /new", "Expect: 100-continue\r\nContent-Length: 3\r\n")).replies;
  EXPECT_EQ(CodeOf(reply), 401);
}

TEST_F(HttpAuthorizationTest, OwnPagesAreForAdministrators) {
  EXPECT_EQ(Code("GET /-/"), 401);
  EXPECT_EQ(Code("GET /-/status"), 401);
  EXPECT_EQ(Code("GET /-/status", Basic("ada:secret")), 403);
  EXPECT_EQ(Code("GET /-/", Basic("bob:secret")), 200);
  EXPECT_EQ(Code("GET /site/../-/"), 401);
}

TEST_F(HttpAuthorizationTest, ChatIsForThoseWithTheRight) {
  EXPECT_EQ(Code("GET /-/chat"), 401);
  EXPECT_EQ(Code("GET /-/chat", Basic("ada:secret")), 403);
  EXPECT_EQ(Code("GET /-/chat", Basic("bob:secret")), 404) << "this site has no chat";
}

TEST_F(HttpAuthorizationTest, MethodsAreToldToEveryone) { EXPECT_EQ(Code("OPTIONS /a"), 204); }

TEST_F(HttpAuthorizationTest, LogHasTheUserAndNoPassword) {
  LogHealth health;
  const std::filesystem::path path = root_ / ".log";
  site_options_.access_log = std::make_shared<LogFile>(path.string(), health);
  TalkOnce(absl::StrCat(Request("GET /a", Basic("ada:secret")), Request("GET /a", Basic("ada:wrong"))));
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_TRUE(absl::StrContains(text.str(), "- - ada [")) << text.str();
  EXPECT_TRUE(absl::StrContains(text.str(), "- - - [")) << text.str();
  EXPECT_FALSE(absl::StrContains(text.str(), absl::Base64Escape("ada:secret"))) << text.str();
  EXPECT_FALSE(absl::StrContains(text.str(), "wrong")) << text.str();
}

// A crypt(3) takes long: the loop of an event model has to be able to give it to a helper.
TEST_F(HttpAuthorizationTest, UnknownSecretIsVerifiedInATaskAndAKnownOneIsNot) {
  const std::string request = Request("GET /a", Basic("ada:secret"));
  const std::unique_ptr<HttpSession> session = MakeSession();
  Output output;
  Input input(request);
  session->OnInput(input, output);
  EXPECT_TRUE(output.has_work());
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(input.bytes(), request) << "it stays until its sender is known";
  output.TakeWork()(output);
  session->OnInput(input, output);
  EXPECT_FALSE(output.has_work());
  EXPECT_FALSE(output.empty());
  EXPECT_TRUE(input.empty());
  Output again;
  Input same(request);
  MakeSession()->OnInput(same, again);
  EXPECT_FALSE(again.has_work());
  EXPECT_FALSE(again.empty());
}

TEST_F(HttpAuthorizationTest, PagesOfTheServerAreForAddressesOfTheList) {
  site_options_.access = nullptr;
  site_options_.admin_from = *AddressSet::Parse("192.0.2.0/24");
  const auto code = [this](absl::string_view address, absl::string_view target) {
    const auto make_session = [this, address] {
      std::unique_ptr<HttpSession> session = MakeSession();
      EXPECT_TRUE(session->wants_peer());
      session->OnPeer(address);
      return session;
    };
    return CodeOf(TalkInAnyPieces(make_session, Request(absl::StrCat("GET ", target))).replies);
  };
  EXPECT_EQ(code("192.0.2.7", "/-/"), 200);
  EXPECT_EQ(code("198.51.100.7", "/-/"), 403);
  EXPECT_EQ(code("198.51.100.7", "/-/metrics"), 403);
  EXPECT_EQ(code("198.51.100.7", "/a"), 200);
  EXPECT_EQ(code("198.51.100.7", "/-/chat"), 404) << "the chat is for all; this site has none";
  EXPECT_EQ(code("198.51.100.7", "/-/ready"), 200) << "a load balancer asks it";
}

TEST_F(HttpAuthorizationTest, NameThatTheTransportHasProvedNeedsNoPassword) {
  const auto code = [this](absl::string_view name, absl::string_view fields) {
    const auto make_session = [this, name] {
      std::unique_ptr<HttpSession> session = MakeSession();
      session->OnPeerName(name);
      return session;
    };
    return CodeOf(TalkInAnyPieces(make_session, Request("GET /a", fields)).replies);
  };
  EXPECT_EQ(code("ada", ""), 200);
  EXPECT_EQ(code("bob", ""), 403);
  EXPECT_EQ(code("eve", ""), 401);
  EXPECT_EQ(code("bob", Basic("ada:secret")), 200) << "credentials count for their request";
  EXPECT_EQ(code("ada", Basic("bob:secret")), 403);
}

class HttpFailuresTest : public HttpAuthorizationTest {
 protected:
  HttpFailuresTest() { failures_per_minute_ = 2; }
};

TEST_F(HttpFailuresTest, AddressWithTooManyWrongPasswordsHasToWait) {
  const std::string wrong = Request("GET /a", Basic("ada:wrong"));
  const std::string replies =
      TalkOnce(absl::StrCat(wrong, wrong, wrong, Request("GET /a", Basic("ada:secret")), Request("GET /site/")))
          .replies;
  EXPECT_TRUE(absl::StrContains(replies, "HTTP/1.1 429 ")) << replies;
  EXPECT_TRUE(absl::StrContains(replies, "Retry-After: 30\r\n")) << replies;
  EXPECT_FALSE(absl::StrContains(replies, "hello")) << "not even the right one: " << replies;
  EXPECT_TRUE(absl::EndsWith(replies, "<p>index")) << "what needs no password is served: " << replies;
}

TEST_F(HttpFailuresTest, UserWhoIsKnownIsNotLockedOut) {
  TalkOnce(Request("GET /a", Basic("ada:secret")));
  const std::string wrong = Request("GET /a", Basic("ada:wrong"));
  TalkOnce(absl::StrCat(wrong, wrong, wrong));
  EXPECT_EQ(CodeOf(TalkOnce(Request("GET /a", Basic("ada:secret"))).replies), 200);
}

}  // namespace

}  // namespace polyserve
