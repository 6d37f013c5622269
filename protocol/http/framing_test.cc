// http: requests whose end could be read in two ways are refused, and the connection closed; and the bounds of a head.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "protocol/http/test_fixture.h"

namespace polyserve {
namespace {

using std::string_literals::operator""s;

class HttpFramingTest : public HttpFixture {
 protected:
  // What follows must not be taken for a request of its own.
  void ExpectRefused(const std::string& request, int code = 400) {
    const Transcript transcript = Talk(absl::StrCat(request, Request("GET /a")));
    EXPECT_EQ(CodeOf(transcript.replies), code) << request << "\n" << transcript.replies;
    EXPECT_TRUE(transcript.closed) << request;
    EXPECT_EQ(FieldOf(transcript.replies, "Connection"), "close") << request;
    EXPECT_FALSE(absl::StrContains(transcript.replies, "hello")) << request;
  }
};

TEST_F(HttpFramingTest, RefusesLengthsThatAreNotOneNumber) {
  for (absl::string_view fields :
       {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n", "Content-Length: 5,6\r\n", "Content-Length: +5\r\n", "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n", "Content-Length: 5 5\r\n", "Content-Length: \r\n", "Content-Length: five\r\n",
        "Content-Length: 5;x\r\n", "Content-Length: 5.0\r\n"}) {
    ExpectRefused(Request("PUT /new", fields, "hello"));
    ExpectRefused(Request("GET /digits.txt", fields, "hello"));
  }
  ExpectRefused(Request("PUT /new", "Content-Length: 99999999999999999999\r\n"), 400);
  ExpectRefused(Request("PUT /new", "Content-Length: 9999999999999999999\r\n"), 413);
}

TEST_F(HttpFramingTest, RefusesLengthAndTransferEncodingTogether) {
  ExpectRefused(Request("PUT /new", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"));
  ExpectRefused(Request("PUT /new", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"));
}

TEST_F(HttpFramingTest, RefusesTransferEncodingsOtherThanChunked) {
  for (absl::string_view value : {"gzip", "gzip, chunked", "chunked, chunked", "chunked, identity", "identity",
                                  "xchunked", "chunked;q=1", "\"chunked\"", ""}) {
    ExpectRefused(Request("PUT /new", absl::StrCat("Transfer-Encoding: ", value, "\r\n"), "0\r\n\r\n"), 501);
  }
  ExpectRefused(Request("PUT /new", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"));
  ExpectRefused(Request("PUT /new",
                        "Transfer-Encoding: \x0b"
                        "chunked\r\n",
                        "0\r\n\r\n"));
  ExpectRefused("PUT /new HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

TEST_F(HttpFramingTest, RefusesHeadsThatAreReadInTwoWays) {
  for (const std::string& fields :
       {"X: a\r\n b\r\n"s, "X: a\r\n\tb\r\n"s, "X:\r\n Content-Length: 5\r\n"s, "Content-Length : 5\r\n"s,
        "X\t: a\r\n"s, " X: a\r\n"s, ": a\r\n"s, "X\r\n"s, "X: a\rb\r\n"s, "X: a\r\r\n"s, "X: a\nY: b\r\n"s, "X: a\n"s,
        "X: a\0b\r\n"s, "X\0: a\r\n"s, "X: a\x01\r\n"s, "X: \x7f\r\n"s, "X(): a\r\n"s, "X@: a\r\n"s}) {
    ExpectRefused(Request("GET /digits.txt", fields));
  }
}

TEST_F(HttpFramingTest, RefusesRequestLinesThatAreMalformed) {
  for (const std::string& line :
       {"GET /digits.txt"s, "GET"s, "GET  /digits.txt HTTP/1.1"s, "GET /digits.txt  HTTP/1.1"s,
        "GET\t/digits.txt HTTP/1.1"s, "GET /digits.txt\tHTTP/1.1"s, "GET /digits.txt HTTP/1.1 "s,
        " GET /digits.txt HTTP/1.1"s, "GET /digits.txt http/1.1"s, "GET /digits.txt HTTP/1"s,
        "GET /digits.txt HTTP/11"s, "GET /digits.txt HTTX/1.1"s, "GET /di gits.txt HTTP/1.1"s, "GET /a\0b HTTP/1.1"s,
        "GET /a\rb HTTP/1.1"s, "GET /a\x01 HTTP/1.1"s, "G@T /digits.txt HTTP/1.1"s, "GET HTTP/1.1"s,
        "\x16\x03\x01\x02"s}) {
    ExpectRefused(line + "\r\nHost: x\r\n\r\n");
  }
  ExpectRefused("GET /digits.txt HTTP/1.1\nHost: x\n\n");
  ExpectRefused("\nGET /digits.txt HTTP/1.1\r\nHost: x\r\n\r\n");
}

TEST_F(HttpFramingTest, RefusesOtherVersions) {
  for (absl::string_view version : {"2.0", "0.9", "1.2", "3.0"}) {
    ExpectRefused(absl::StrCat("GET /digits.txt HTTP/", version, "\r\nHost: x\r\n\r\n"), 505);
  }
}

TEST_F(HttpFramingTest, NeedsOneHost) {
  ExpectRefused("GET /digits.txt HTTP/1.1\r\n\r\n");
  ExpectRefused("GET http://x/digits.txt HTTP/1.1\r\n\r\n");
  for (absl::string_view target : {"http://h:80x/", "http://[::1/", "http://user@h/", "http:///a"}) {
    ExpectRefused(absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: x\r\n\r\n"));
  }
  ExpectRefused("GET /digits.txt HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n");
  ExpectRefused("GET /digits.txt HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n");
  for (absl::string_view host : {"a b", "a,b", "a/b", "user@a", "a?b", "a#b", "h:80x", "h:99999", ":80", "[::1",
                                 "[::1]x", "::1", "[1::2::3]", "\xc3\xbc"}) {
    ExpectRefused(absl::StrCat("GET /digits.txt HTTP/1.1\r\nHost: ", host, "\r\n\r\n"));
  }
  for (absl::string_view host :
       {"", "example.org", "example.org:80", "[::1]:8080", "127.0.0.1", "example.org:", "a_b"}) {
    EXPECT_EQ(CodeOf(Talk(absl::StrCat("GET /a HTTP/1.1\r\nHost: ", host, "\r\n\r\n")).replies), 200) << host;
  }
}

TEST_F(HttpFramingTest, RefusesChunksThatAreReadInTwoWays) {
  for (const std::string& chunks :
       {"x\r\n"s, "\r\n0\r\n\r\n"s, "5\nhello\r\n0\r\n\r\n"s, "5\rhello\r\n0\r\n\r\n"s, "-5\r\nhello\r\n"s,
        "+5\r\nhello\r\n"s, "0x5\r\nhello\r\n0\r\n\r\n"s, " 5\r\nhello\r\n0\r\n\r\n"s, "5 \r\nhello\r\n0\r\n\r\n"s,
        "5\r\nhelloX\r\n0\r\n\r\n"s, "5\r\nhello\n0\r\n\r\n"s, "5\r\nhel\r\n0\r\n\r\n"s, "5;\r\nhello\r\n0\r\n\r\n"s,
        "5;=x\r\nhello\r\n0\r\n\r\n"s, "5\0\r\nhello\r\n0\r\n\r\n"s, "1FFFFFFFFFFFFFFFF\r\nhello"s,
        "0\r\nX : y\r\n\r\n"s, "0\r\nX\0: y\r\n\r\n"s, "0\r\nContent-Length: 5\r\n\r\n"s,
        // Extensions with what another parser may take for the end of a line.
        "5;a\nb\r\nhello\r\n0\r\n\r\n"s, "5;a=b\nc\r\nhello\r\n0\r\n\r\n"s, "5;\n\r\nhello\r\n0\r\n\r\n"s,
        "5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n"s, "5;a=\"b\r\nc\"\r\nhello\r\n0\r\n\r\n"s,
        "5;a=\"\\\r\n\"\r\nhello\r\n0\r\n\r\n"s, "5;a\rb\r\nhello\r\n0\r\n\r\n"s, "5;a=\0\r\nhello\r\n0\r\n\r\n"s,
        "5;a=\"\0\"\r\nhello\r\n0\r\n\r\n"s, "5;a=b\x7f\r\nhello\r\n0\r\n\r\n"s, "5;a\n\nhello\r\n0\r\n\r\n"s,
        // Malformed extensions.
        "5;a=\r\nhello\r\n0\r\n\r\n"s, "5;a=\"b\r\nhello\r\n0\r\n\r\n"s, "5;a b\r\nhello\r\n0\r\n\r\n"s,
        "5;a;\r\nhello\r\n0\r\n\r\n"s, "5;a \r\nhello\r\n0\r\n\r\n"s, "5 a\r\nhello\r\n0\r\n\r\n"s,
        "5,a\r\nhello\r\n0\r\n\r\n"s, "5;a=b=c\r\nhello\r\n0\r\n\r\n"s, "5\t\r\nhello\r\n0\r\n\r\n"s,
        // The same for the last chunk and what is behind it.
        "0;a\nb\r\n\r\n"s, "0 \r\n\r\n"s, "0\n\r\n"s, "0\r\n\n"s, "0\r\n\r\r\n"s, "0\r\nX: y\r\n z\r\n\r\n"s,
        "0\r\n X: y\r\n\r\n"s, "0\r\n\tX: y\r\n\r\n"s, "0\r\nX: y\nZ: a\r\n\r\n"s,
        "0\r\nX: y\n\nGET /a HTTP/1.1\r\n\r\n"s, "0\r\nX: y\rz\r\n\r\n"s, "0\r\nX: y\0z\r\n\r\n"s, "0\r\nX\r\n\r\n"s,
        "0\r\n: y\r\n\r\n"s, "0\r\nX y: z\r\n\r\n"s, "0\r\nTransfer-Encoding: chunked\r\n\r\n"s,
        "0\r\nHost: y\r\n\r\n"s,
        // Between chunks.
        "5\r\nhello\r\n\r\n0\r\n\r\n"s, "5\r\nhello\r0\r\n\r\n"s, "5\r\nhello0\r\n\r\n"s,
        "5\r\nhello\r\n 0\r\n\r\n"s}) {
    ExpectRefused(Request("PUT /new", "Transfer-Encoding: chunked\r\n", chunks));
    EXPECT_EQ(NamesInRoot(), 7u) << "nothing is stored, and nothing left aside";
  }
  ExpectRefused(Request("PUT /new", "Transfer-Encoding: chunked\r\n", "8000000000000000\r\nhello"), 413);
}

TEST_F(HttpFramingTest, TakesExtensionsAndTrailerFieldsOfTheGrammar) {
  for (absl::string_view chunks : {"5;a\r\nhello\r\n0;b\r\n\r\n", "5;a=b;c=\"d\\\"; e\t\"\r\nhello\r\n0\r\n\r\n",
                                   "5 ; a = b\r\nhello\r\n000\r\nX: y\r\nZ:\r\n\r\n", "00005\r\nhello\r\n0\r\n\r\n"}) {
    const std::string input =
        absl::StrCat(Request("PUT /new", "Transfer-Encoding: chunked\r\n", chunks), Request("GET /a"));
    const Transcript transcript = Talk(input);
    EXPECT_EQ(CodeOf(transcript.replies), 201) << chunks;
    EXPECT_TRUE(absl::EndsWith(transcript.replies, "\r\n\r\nhello")) << chunks;
    EXPECT_EQ(Content("new"), "hello");
  }
}

// Without waiting for the end of a line or of a head.
TEST_F(HttpFramingTest, RefusesAtOnceWhatCanNeverBecomeARequest) {
  for (const std::string& begin : {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"s,
                                   "SSH-2.0-x\r\n"s,
                                   "\x16\x03\x01\x02\0\x01"s,
                                   "\0"s,
                                   "\xff\xfe"s,
                                   "\x80\x80\x80"s,
                                   "{"s,
                                   " GET"s,
                                   "\n"s,
                                   "\rx"s,
                                   "EHLO x\r\n"s,
                                   "*1\r\n"s,
                                   "GET /\r\n"s,
                                   "GET  "s,
                                   "GET /a\0"s,
                                   "GET /a\t"s,
                                   "GET /a b"s,
                                   "GET /a HTTP/1.1 "s,
                                   "GET /a HTTP/11"s,
                                   "GET /a HTTP/1.1\n"s,
                                   "GET /a HTTP/1.1\rx"s,
                                   "GET /a HTTP/1.1\r\n\x80"s,
                                   "GET /a HTTP/1.1\r\nHost\r\n"s,
                                   "GET /a HTTP/1.1\r\nHost "s,
                                   "GET /a HTTP/1.1\r\n Host"s,
                                   "GET /a HTTP/1.1\r\nHost: x\0"s,
                                   "GET /a HTTP/1.1\r\nHost: x\n"s}) {
    const Transcript transcript = Talk(begin);
    EXPECT_EQ(CodeOf(transcript.replies), 400) << begin;
    EXPECT_TRUE(transcript.closed) << begin;
    EXPECT_EQ(CodeOf(Talk(Request("GET /a") + begin).replies), 200) << begin;
  }
  EXPECT_EQ(CodeOf(Talk("GET /a HTTP/3.0\r\n").replies), 505);
  EXPECT_EQ(CodeOf(Talk(std::string(33, 'A')).replies), 501);
  EXPECT_EQ(Talk("").replies, "");
  EXPECT_EQ(Talk("GET /a HTTP/1.1\r\nHost: x\r").replies, "") << "this may become one";
}

TEST_F(HttpFramingTest, PassesOverSomeEmptyLinesBeforeARequest) {
  EXPECT_EQ(CodeOf(Talk("\r\n\r\n" + Request("GET /a")).replies), 200);
  std::string many;
  for (int i = 0; i < 9; ++i) many += "\r\n";
  ExpectRefused(many);
}

TEST_F(HttpFramingTest, KnowsOneExpectation) {
  ExpectRefused(Request("PUT /new", "Content-Length: 5\r\nExpect: 200-ok\r\n", "hello"), 417);
  EXPECT_EQ(CodeOf(Talk("PUT /new HTTP/1.0\r\nContent-Length: 2\r\nExpect: 200-ok\r\n\r\nhi").replies), 201);
}

TEST_F(HttpFramingTest, BoundsTheTarget) {
  const std::string longest = "/" + std::string(8191, 'n');
  EXPECT_EQ(CodeOf(TalkOnce(Request("GET " + longest)).replies), 400) << "within the bound, but no file name";
  for (size_t more : {1u, 60u, 100u, 5'000u, 20'000u}) {
    const Transcript transcript = TalkOnce(Request("GET " + longest + std::string(more, 'n')));
    EXPECT_EQ(CodeOf(transcript.replies), 414) << more;
    EXPECT_TRUE(transcript.closed);
  }
  EXPECT_EQ(CodeOf(TalkOnce("GET /" + std::string(10'000, 'n')).replies), 414) << "without waiting for its end";
  ExpectRefused(Request("GET " + longest + std::string(9'000, 'n')), 414);
}

TEST_F(HttpFramingTest, BoundsTheHead) {
  const std::string fits = "X: " + std::string(16'000, 'x') + "\r\n";
  EXPECT_EQ(CodeOf(TalkOnce(Request("GET /a", fits)).replies), 200);
  ExpectRefused(Request("GET /digits.txt", "X: " + std::string(17'000, 'x') + "\r\n"), 431);
  std::string many;
  for (int i = 0; i < 4'000; ++i) many += "X:\r\n";
  EXPECT_EQ(CodeOf(TalkOnce(Request("GET /a", many)).replies), 200);
  many += many;
  EXPECT_EQ(CodeOf(TalkOnce(Request("GET /a", many)).replies), 431);
}

TEST_F(HttpFramingTest, HoldsNoMoreThanAHeadWhateverComes) {
  const std::string head = "GET /a HTTP/1.1\r\nX: " + std::string(100'000, 'x');
  std::vector<absl::string_view> pieces;
  for (size_t i = 0; i < head.size(); i += 1000) pieces.push_back(absl::string_view(head).substr(i, 1000));
  EXPECT_LE(TalkInPieces([this] { return MakeSession(); }, pieces).max_unconsumed, 17'500u + pieces.size() * 1000);
  EXPECT_EQ(CodeOf(TalkInPieces([this] { return MakeSession(); }, pieces).replies), 431);
}

TEST_F(HttpFramingTest, BoundsAChunksLineAndTheTrailerFields) {
  const std::string long_text(17'000, 'x');
  for (const std::string& chunks :
       {"5;" + long_text + "\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nX: " + long_text + "\r\n\r\n",
        std::string(17'000, '0') + "5\r\nhello\r\n0\r\n\r\n"}) {
    ExpectRefused(Request("PUT /new", "Transfer-Encoding: chunked\r\n", chunks));
  }
}

}  // namespace
}  // namespace polyserve
