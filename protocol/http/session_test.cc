// http: methods, targets, and the order of requests and replies on a connection.
#include "protocol/http/session.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "protocol/http/test_fixture.h"

namespace polyserve {
namespace {

class HttpTest : public HttpFixture {};

TEST_F(HttpTest, GetsAFile) {
  EXPECT_EQ(
      Get("/page.html"),
      absl::StrCat("HTTP/1.1 200 OK\r\nServer: polyserve\r\nX-Content-Type-Options: nosniff\r\nDate: Sun, 06 Nov 1994 "
                   "08:49:37 GMT\r\n"
                   "Content-Type: text/html; charset=utf-8\r\nContent-Length: 7\r\nAccept-Ranges: bytes\r\nETag: ",
                   ETag("page.html"), "\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n<p>page"));
}

TEST_F(HttpTest, HeadIsGetWithoutTheContent) {
  for (absl::string_view target : {"/page.html", "/none", "/sub/", "/sub", "/%zz"}) {
    const std::string get = Get(target);
    EXPECT_EQ(Head(target), get.substr(0, get.find("\r\n\r\n") + 4));
  }
}

TEST_F(HttpTest, TellsItsMethods) {
  for (absl::string_view target : {"*", "/", "/a", "/none", "http://x"}) {
    const std::string reply = Talk(Request(absl::StrCat("OPTIONS ", target))).replies;
    EXPECT_EQ(CodeOf(reply), 204);
    EXPECT_EQ(FieldOf(reply, "Allow"), "GET, HEAD, OPTIONS, PUT");
    EXPECT_EQ(ContentOf(reply), "");
  }
  options_.read_only = true;
  EXPECT_EQ(FieldOf(Talk(Request("OPTIONS *")).replies, "Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(HttpTest, RefusesOtherMethodsAndGoesOn) {
  for (absl::string_view method : {"POST", "DELETE", "TRACE", "PATCH", "PROPFIND"}) {
    const Transcript transcript = Talk(absl::StrCat(Request(absl::StrCat(method, " /a")), Request("GET /a")));
    EXPECT_EQ(CodeOf(transcript.replies), 405) << method;
    EXPECT_EQ(FieldOf(transcript.replies, "Allow"), "GET, HEAD, OPTIONS, PUT");
    EXPECT_TRUE(absl::EndsWith(transcript.replies, "\r\n\r\nhello"));
  }
  EXPECT_EQ(CodeOf(Talk(Request("CONNECT x:80")).replies), 405);
  EXPECT_EQ(CodeOf(Talk(Request("BREW /a")).replies), 501);
  EXPECT_EQ(CodeOf(Talk(Request("get /a")).replies), 501);
}

TEST_F(HttpTest, AnswersPipelinedRequestsInOrder) {
  const std::string replies =
      Talk(absl::StrCat(Request("GET /a"), Request("GET /none"), Request("GET /sub/"), Request("HEAD /a"),
                        Request("GET /sub/deep"), Request("GET /page.html")))
          .replies;
  const size_t first = replies.find("\r\n\r\nhelloHTTP/1.1 404 Not Found\r\n");
  const size_t second = replies.find("</html>\nHTTP/1.1 200 OK\r\n");
  const size_t third = replies.find("\r\n\r\nHTTP/1.1 200 OK\r\n", second);
  const size_t fourth = replies.find("\r\n\r\ndeepHTTP/1.1 200 OK\r\n", third);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_LT(third, fourth);
  EXPECT_NE(fourth, std::string::npos);
  EXPECT_TRUE(absl::EndsWith(replies, "<p>page"));
}

TEST_F(HttpTest, ClosesWhenAskedTo) {
  for (absl::string_view target : {"/a", "/none", "/sub/", "*"}) {
    const std::string method = target == "*" ? "OPTIONS " : "GET ";
    const Transcript transcript =
        Talk(absl::StrCat(Request(method + std::string(target), "Connection: close\r\n"), Request("GET /a")));
    EXPECT_TRUE(transcript.closed) << target;
    EXPECT_EQ(FieldOf(transcript.replies, "Connection"), "close");
    EXPECT_EQ(transcript.replies.find("HTTP/1.1", 1), std::string::npos);
  }
}

TEST_F(HttpTest, ClosesAfterARequestOfHttp10UnlessAskedToGoOn) {
  const Transcript once = Talk("GET /a HTTP/1.0\r\n\r\nGET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(once.closed);
  EXPECT_EQ(FieldOf(once.replies, "Connection"), "close");
  EXPECT_EQ(ContentOf(once.replies), "hello");
  const Transcript kept = Talk("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(FieldOf(kept.replies, "Connection"), "keep-alive");
  EXPECT_TRUE(absl::StrContains(kept.replies, "helloHTTP/1.1 200 OK"));
}

TEST_F(HttpTest, IgnoresEmptyLinesBeforeARequest) {
  EXPECT_EQ(ContentOf(Talk(absl::StrCat("\r\n\r\n", Request("GET /a"))).replies), "hello");
}

TEST_F(HttpTest, TakesTheAbsoluteForm) {
  EXPECT_EQ(ContentOf(Get("http://example.org:8080/a")), "hello");
  EXPECT_EQ(ContentOf(Get("HTTP://[::1]/a?x=y")), "hello");
  EXPECT_EQ(CodeOf(Get("http://example.org")), 200);
  for (absl::string_view target : {"http:///a", "ftp://x/a", "a", "x:80", "*", "http:/a"}) {
    EXPECT_EQ(CodeOf(Get(target)), 400) << target;
  }
}

TEST_F(HttpTest, DecodesTargets) {
  EXPECT_EQ(ContentOf(Get("/two%20words")), "12345678");
  EXPECT_EQ(ContentOf(Get("/%61?query=/none%zz")), "hello");
  Put("\xe4\xb8\xad+", "utf-8");
  EXPECT_EQ(ContentOf(Get("/%E4%b8%ad+")), "utf-8");
  EXPECT_EQ(ContentOf(Get("/\xe4\xb8\xad+")), "utf-8");
  Put("100%", "percent");
  EXPECT_EQ(ContentOf(Get("/100%25")), "percent");
}

TEST_F(HttpTest, RefusesTargetsThatAreNoNames) {
  for (absl::string_view target : {"/%", "/%6", "/a%00", "/%zz", "/sub%2Fdeep", "/sub%2fdeep", "/../a", "/%2e%2e/a",
                                   "/sub/../../a", "/..", "/%ff", "/a%0a", "/a#b", "/a%7f"}) {
    EXPECT_EQ(CodeOf(Get(target)), 400) << target;
  }
}

TEST_F(HttpTest, MergesPathsAsOtherServersDo) {
  for (absl::string_view target : {"//a", "/./a", "/x/../a", "/sub/%2e%2E/a", "///a", "/sub/deeper/../..//a"}) {
    EXPECT_EQ(ContentOf(Get(target)), "hello") << target;
  }
  EXPECT_EQ(ContentOf(Get("/sub//deep")), "deep");
  for (absl::string_view target : {"//", "/.", "/sub/..", "/sub//", "/sub/."}) {
    EXPECT_EQ(CodeOf(Get(target)), 200) << target;
  }
  EXPECT_EQ(FieldOf(Get("//sub"), "Location"), "/sub/") << "never one that names another host";
  EXPECT_EQ(CodeOf(TalkOnce(Request("PUT /none/..//new", "Content-Length: 3\r\n", "new")).replies), 201);
  EXPECT_EQ(Content("new"), "new");
  for (absl::string_view target : {"/./.hidden", "//.hidden", "/sub/../.hidden"}) {
    EXPECT_EQ(CodeOf(Get(target)), 404) << target;
    EXPECT_EQ(CodeOf(Talk(Request(absl::StrCat("PUT ", target), "Content-Length: 3\r\n", "new")).replies), 403);
  }
}

TEST_F(HttpTest, ServesWellKnownNames) {
  std::filesystem::create_directories(root_ / ".well-known/acme-challenge");
  Put(".well-known/acme-challenge/token", "key");
  Put(".well-known/.hidden", "secret");
  EXPECT_EQ(ContentOf(Get("/.well-known/acme-challenge/token")), "key");
  EXPECT_EQ(CodeOf(Get("/.well-known/")), 200);
  EXPECT_EQ(FieldOf(Get("/.well-known"), "Location"), "/.well-known/");
  EXPECT_FALSE(absl::StrContains(Get("/"), "well-known"));
  EXPECT_EQ(CodeOf(Get("/.well-known/.hidden")), 404);
  EXPECT_EQ(CodeOf(Get("/.well-known/none")), 404);
  EXPECT_EQ(CodeOf(TalkOnce(Request("PUT /.well-known/new", "Content-Length: 3\r\n", "new")).replies), 403);
}

TEST_F(HttpTest, AnswersForAllowedHostsAlone) {
  site_options_.allowed_hosts = *HttpAllowedHosts::Parse("example.org");
  const auto code = [this](absl::string_view line, absl::string_view host) {
    return CodeOf(Talk(absl::StrCat(line, "\r\nHost: ", host, "\r\n\r\n")).replies);
  };
  for (absl::string_view host : {"example.org", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", ""}) {
    EXPECT_EQ(code("GET /a HTTP/1.1", host), 200) << host;
  }
  for (absl::string_view line : {"GET /a HTTP/1.1", "HEAD / HTTP/1.1", "PUT /new HTTP/1.1\r\nContent-Length: 0",
                                 "GET /-/ HTTP/1.1", "OPTIONS * HTTP/1.1", "GET /a HTTP/1.0"}) {
    EXPECT_EQ(code(line, "evil.example:8080"), 421) << line;
  }
  EXPECT_EQ(code("GET http://evil.example/a HTTP/1.1", "localhost"), 421) << "the target's goes before the field's";
  EXPECT_EQ(code("GET http://localhost/a HTTP/1.1", "evil.example"), 200);
  EXPECT_EQ(CodeOf(Talk("GET /a HTTP/1.0\r\n\r\n").replies), 200) << "no browser";
}

// A browser asks before it sends a PUT of another site's page, and no answer allows it; a POST does nothing.
TEST_F(HttpTest, AllowsPagesOfOtherSitesNothing) {
  constexpr absl::string_view kFields =
      "Origin: http://evil.example\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x\r\n";
  for (absl::string_view line : {"OPTIONS /new", "OPTIONS *", "GET /a", "HEAD /a", "POST /a", "GET /none"}) {
    const std::string reply = TalkOnce(Request(line, kFields)).replies;
    EXPECT_FALSE(absl::StrContains(reply, "Access-Control")) << reply;
    EXPECT_EQ(FieldOf(reply, "X-Content-Type-Options"), "nosniff") << reply;
  }
  EXPECT_EQ(CodeOf(TalkOnce(Request("POST /new", "Content-Length: 2\r\n", "hi")).replies), 405);
}

TEST_F(HttpTest, HiddenFilesDoNotExist) {
  for (absl::string_view target : {"/.hidden", "/.none", "/%2ehidden", "/sub/.none", "/.hidden/a"}) {
    EXPECT_EQ(CodeOf(Get(target)), 404) << target;
  }
}

TEST_F(HttpTest, KeepsItsOwnAddressesFree) {
  std::filesystem::create_directory(root_ / "-");
  Put("-/a", "shadowed");
  for (absl::string_view request : {"GET /-/a", "HEAD /-", "PUT /-/a"}) {
    const Transcript transcript = TalkOnce(Request(request, "Content-Length: 0\r\n"));
    EXPECT_EQ(CodeOf(transcript.replies), 404) << request;
  }
  EXPECT_FALSE(absl::StrContains(TalkOnce(Request("GET /-/")).replies, "\"a\"")) << "the directory's page";
}

TEST_F(HttpTest, ThrowsContentAwayThatNobodyWants) {
  for (absl::string_view method : {"GET /a", "POST /a", "BREW /a", "OPTIONS *", "GET /sub/"}) {
    const Transcript transcript =
        Talk(absl::StrCat(Request(method, "Content-Length: 10\r\n", "GET / HTTP"), Request("GET /a")));
    EXPECT_TRUE(absl::EndsWith(transcript.replies, "\r\n\r\nhello")) << method;
    EXPECT_FALSE(transcript.closed) << method;
  }
}

TEST_F(HttpTest, ClosesWhereTooMuchUnwantedContentWouldCome) {
  for (absl::string_view fields : {"Content-Length: 1048577\r\n", "Transfer-Encoding: chunked\r\n",
                                   "Content-Length: 5\r\nExpect: 100-continue\r\n"}) {
    const Transcript transcript = Talk(absl::StrCat(Request("GET /a", fields), Request("GET /a")));
    EXPECT_TRUE(transcript.closed) << fields;
    EXPECT_EQ(ContentOf(transcript.replies), "hello");
  }
}

TEST_F(HttpTest, IsIdleOnlyBetweenRequests) {
  const std::unique_ptr<HttpSession> session = MakeSession();
  EXPECT_TRUE(session->idle());
  Output output;
  const std::string request = Request("GET /a", "Content-Length: 10\r\n", "12345");
  Input input(request);
  session->OnInput(input, output);
  EXPECT_FALSE(session->idle());
  Input rest("67890");
  session->OnInput(rest, output);
  EXPECT_TRUE(session->idle());
  const std::string put = Request("PUT /new", "Content-Length: 10\r\n", "12345");
  Input upload(put);
  session->OnInput(upload, output);
  EXPECT_FALSE(session->idle());
}

TEST_F(HttpTest, ReturnsForBreathWhileMuchIsUnsent) {
  Put("large", std::string(100'000, 'x'));
  const std::unique_ptr<HttpSession> session = MakeSession();
  Output output;
  const std::string request = Request("GET /large");
  const std::string requests = absl::StrCat(request, request);
  Input input(requests);
  session->OnInput(input, output);
  EXPECT_EQ(input.bytes(), request);
}

}  // namespace
}  // namespace polyserve
