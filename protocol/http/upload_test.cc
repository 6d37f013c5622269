// http: PUT, whole and in chunks, on conditions, and refused.
#include "protocol/http/upload.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "protocol/http/test_fixture.h"

namespace polyserve {
namespace {

constexpr absl::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

class HttpUploadTest : public HttpFixture {
 protected:
  std::string Upload(absl::string_view name, absl::string_view fields, absl::string_view content) {
    return Talk(Request(absl::StrCat("PUT /", name), fields, content)).replies;
  }
};

TEST_F(HttpUploadTest, MakesANewFile) {
  EXPECT_EQ(Upload("new%20one", "Content-Length: 5\r\n", "12345"),
            "HTTP/1.1 201 Created\r\nServer: polyserve\r\nX-Content-Type-Options: nosniff\r\nDate: Sun, 06 Nov 1994 "
            "08:49:37 GMT\r\n"
            "Content-Length: 0\r\nETag: STATE\r\n\r\n");
  EXPECT_EQ(Content("new one"), "12345");
}

TEST_F(HttpUploadTest, ReplacesAFile) {
  EXPECT_EQ(Upload("a", "Content-Length: 3\r\n", "new"),
            "HTTP/1.1 204 No Content\r\nServer: polyserve\r\nX-Content-Type-Options: nosniff\r\nDate: Sun, 06 Nov 1994 "
            "08:49:37 GMT\r\nETag: STATE\r\n\r\n");
  EXPECT_EQ(Content("a"), "new");
  EXPECT_EQ(NamesInRoot(), 7u);
}

TEST_F(HttpUploadTest, TellsTheTagThatTheFileThenHas) {
  const std::string reply = TalkOnce(Request("PUT /a", "Content-Length: 3\r\n", "new")).replies;
  EXPECT_EQ(FieldOf(reply, "ETag"), ETag("a"));
}

TEST_F(HttpUploadTest, MakesAnEmptyFile) {
  EXPECT_EQ(CodeOf(Upload("empty", "Content-Length: 0\r\n", "")), 201);
  EXPECT_EQ(CodeOf(Upload("chunked", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n")), 201);
  EXPECT_EQ(Content("chunked"), "");
}

TEST_F(HttpUploadTest, TakesRequestsBehindTheContent) {
  const std::string replies =
      Talk(absl::StrCat(Request("PUT /a", "Content-Length: 18\r\n", "GET / HTTP/1.1\r\n\r\n"), Request("GET /a")))
          .replies;
  EXPECT_EQ(CodeOf(replies), 204);
  EXPECT_TRUE(absl::EndsWith(replies, "\r\n\r\nGET / HTTP/1.1\r\n\r\n"));
}

TEST_F(HttpUploadTest, TakesChunksWithExtensionsAndTrailerFields) {
  const std::string chunks =
      "5\r\nhello\r\n1;name=value\r\n,\r\n00B;q=\"a;b\"\r\n wide world\r\n0;last\r\nX-Sum: 1\r\nY:\r\n\r\n";
  const std::string replies =
      Talk(absl::StrCat(Request("PUT /a", "Transfer-Encoding: Chunked\r\n", chunks), Request("GET /a"))).replies;
  EXPECT_EQ(CodeOf(replies), 204);
  EXPECT_TRUE(absl::EndsWith(replies, "\r\n\r\nhello, wide world")) << replies;
}

TEST_F(HttpUploadTest, LeavesTheOldFileWhereTheContentIsCutShort) {
  EXPECT_EQ(Upload("a", "Content-Length: 100\r\n", "12345"), "");
  EXPECT_EQ(Upload("a", "Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n"), "");
  EXPECT_EQ(Content("a"), "hello");
  EXPECT_EQ(NamesInRoot(), 7u);
}

TEST_F(HttpUploadTest, TellsToContinueWhoWaitsForIt) {
  const std::string reply = Upload("a", "Content-Length: 3\r\nExpect: 100-Continue\r\n", "new");
  EXPECT_TRUE(absl::StartsWith(reply, kContinue));
  EXPECT_EQ(CodeOf(reply.substr(kContinue.size())), 204);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 0\r\nExpect: 100-continue\r\n", "")), 204) << "nothing to wait for";
}

TEST_F(HttpUploadTest, RefusesBeforeTheContentIsSent) {
  const Transcript transcript = Talk(Request("PUT /none/a", "Content-Length: 3\r\nExpect: 100-continue\r\n"));
  EXPECT_EQ(CodeOf(transcript.replies), 409);
  EXPECT_TRUE(transcript.closed) << "nobody can know whether the content comes";
}

TEST_F(HttpUploadTest, HoldsConditions) {
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 3\r\nIf-None-Match: *\r\n", "new")), 412);
  EXPECT_EQ(CodeOf(Upload("new", "Content-Length: 3\r\nIf-None-Match: *\r\n", "new")), 201);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 3\r\nIf-Match: *\r\n", "new")), 204);
  EXPECT_EQ(CodeOf(Upload("new", "Content-Length: 3\r\nIf-Match: *\r\n", "new")), 412);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 3\r\nIf-Match: \"other\"\r\n", "new")), 412);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 3\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", "new")),
            412);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 3\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "new")),
            204);
  Reset();
  const std::string request =
      Request("PUT /a", absl::StrCat("Content-Length: 3\r\nIf-Match: ", ETag("a"), "\r\n"), "new");
  EXPECT_EQ(CodeOf(TalkOnce(request).replies), 204);
  EXPECT_EQ(CodeOf(TalkOnce(request).replies), 412) << "it is another state now";
}

TEST_F(HttpUploadTest, HoldsConditionsAgainWhenTheContentIsThere) {
  for (absl::string_view condition :
       {"If-None-Match: *\r\n", "If-None-Match: \"x\"\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:38 GMT\r\n"}) {
    Reset();
    const std::unique_ptr<HttpSession> session = MakeSession();
    Output output;
    const std::string request = Request("PUT /late", absl::StrCat("Content-Length: 10\r\n", condition), "12345");
    Input begin(request);
    session->OnInput(begin, output);
    EXPECT_TRUE(output.empty());
    Put("late", "was quicker", kMtime + 100);
    Input end("67890");
    session->OnInput(end, output);
    EXPECT_FALSE(output.empty());
    EXPECT_EQ(Content("late"), "was quicker");
  }
}

TEST_F(HttpUploadTest, RefusesWhatItWouldNotStoreAsItIsMeant) {
  EXPECT_EQ(CodeOf(Upload("a", "", "")), 411);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 3\r\nContent-Range: bytes 0-2/5\r\n", "new")), 400);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 3\r\nContent-Encoding: gzip\r\n", "new")), 415);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 3\r\nContent-Encoding: identity\r\n", "new")), 204);
}

TEST_F(HttpUploadTest, RefusesNamesThatCannotBeAndGoesOn) {
  const struct {
    absl::string_view name;
    int code;
  } kCases[] = {{"sub", 409}, {"sub/", 409},    {"", 409},     {"none/a", 409},
                {"a/b", 409}, {".hidden", 403}, {"../a", 400}, {"a%00", 400}};
  for (const auto& one : kCases) {
    const Transcript transcript = Talk(absl::StrCat(
        Request(absl::StrCat("PUT /", one.name), "Content-Length: 3\r\n", "new"), Request("GET /digits.txt")));
    EXPECT_EQ(CodeOf(transcript.replies), one.code) << one.name;
    EXPECT_TRUE(absl::EndsWith(transcript.replies, "\r\n\r\n0123456789")) << one.name;
  }
}

TEST_F(HttpUploadTest, RefusesUploadsToALibraryThatIsReadOnly) {
  options_.read_only = true;
  const std::string reply = Upload("a", "Content-Length: 3\r\n", "new");
  EXPECT_EQ(CodeOf(reply), 405);
  EXPECT_EQ(FieldOf(reply, "Allow"), "GET, HEAD, OPTIONS");
}

TEST_F(HttpUploadTest, BoundsAFilesSizeHoweverItComes) {
  options_.max_file_bytes = 5;
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 5\r\n", "12345")), 204);
  EXPECT_EQ(CodeOf(Upload("a", "Content-Length: 6\r\n", "123456")), 413);
  EXPECT_EQ(CodeOf(Upload("a", "Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n0\r\n\r\n")), 204);
  const Transcript transcript =
      Talk(Request("PUT /new", "Transfer-Encoding: chunked\r\n", "3\r\n123\r\n3\r\n456\r\n0\r\n\r\n"));
  EXPECT_EQ(CodeOf(transcript.replies), 413);
  EXPECT_TRUE(transcript.closed);
  EXPECT_EQ(NamesInRoot(), 7u);
}

TEST_F(HttpUploadTest, RefusesAtOnceWhatTheDiskCannotHold) {
  const Transcript transcript = Talk(Request("PUT /a", "Content-Length: 9000000000000000000\r\n"));
  EXPECT_EQ(CodeOf(transcript.replies), 507);
  EXPECT_TRUE(transcript.closed);
}

}  // namespace
}  // namespace polyserve
