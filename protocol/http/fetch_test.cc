// http over a library that lacks files which another server has: what a client gets before, while and after they are
// fetched. The fetches are the test's: it answers in the place of the process that does them.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "files/copy_note.h"
#include "files/library.h"
#include "gtest/gtest.h"
#include "protocol/http/reply_cache.h"
#include "protocol/http/session.h"
#include "protocol/http/site.h"
#include "protocol/http/test_fixture.h"
#include "protocol/output.h"
#include "protocol/recording_fetcher.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

constexpr int64_t kPast = 1;
constexpr int64_t kFuture = 4'000'000'000;

class HttpFetchTest : public HttpFixture {
 protected:
  void SetUp() override {
    HttpFixture::SetUp();
    options_.has_copies = true;
    site_options_.fetcher = fetcher_;
    session_ = MakeSession();
    library_ = *Library::Open(root_.string(), options_);
  }

  void StoreCopy(absl::string_view name, absl::string_view content, const CopyNote& note) {
    std::unique_ptr<Upload> upload = *library_->StartUpload(name, static_cast<int64_t>(content.size()));
    ASSERT_TRUE(upload->Append(content).ok() && upload->NoteCopy(note, kMtime).ok() && upload->Commit().ok());
  }

  // Passes what is left and these bytes to the session, as a driver does. Returns what it has written; asks() says
  // whether it waits.
  std::string Pass(absl::string_view bytes) {
    rest_.append(bytes.data(), bytes.size());
    Input input(rest_);
    if (!rest_.empty()) session_->OnInput(input, output_);
    rest_ = std::string(input.bytes());
    return SendAll(output_);
  }
  // The fetch is over, and the session is passed its request again.
  std::string Answer(absl::string_view line) {
    EXPECT_TRUE(output_.asks());
    output_.Answer(std::string(line));
    return Pass("");
  }
  std::string GetOnce(absl::string_view target, absl::string_view fields = "") {
    return Pass(Request(absl::StrCat("GET ", target), fields));
  }

  std::shared_ptr<RecordingFetcher> fetcher_ = std::make_shared<RecordingFetcher>();
  std::shared_ptr<const Library> library_;
  std::unique_ptr<HttpSession> session_;
  std::string rest_;
  Output output_;
};

TEST_F(HttpFetchTest, FileIsServedWhenItHasBeenFetched) {
  EXPECT_EQ(GetOnce("/new"), "");
  ASSERT_TRUE(output_.asks());
  EXPECT_EQ(output_.asked().question.line, "new");
  StoreCopy("new", "fresh", {.fresh_until = kFuture});
  const std::string reply = Answer("200 ");
  EXPECT_EQ(CodeOf(reply), 200);
  EXPECT_EQ(ContentOf(reply), "fresh");
  EXPECT_EQ(ContentOf(GetOnce("/new")), "fresh");
  EXPECT_FALSE(output_.asks());
}

TEST_F(HttpFetchTest, RequestsAroundItAreAnsweredInTheirOrder) {
  const std::string three =
      absl::StrCat(Request("GET /a"), Request("GET /new", "Range: bytes=1-2\r\n"), Request("GET /sub/deep"));
  const std::string before = Pass(three);
  EXPECT_TRUE(absl::EndsWith(before, "hello"));
  StoreCopy("new", "fresh", {.fresh_until = kFuture});
  const std::string after = Answer("200 ");
  EXPECT_EQ(CodeOf(after), 206);
  EXPECT_TRUE(absl::StrContains(after, "\r\n\r\nre"));
  EXPECT_TRUE(absl::EndsWith(after, "deep"));
}

TEST_F(HttpFetchTest, WhyThereIsNoneIsTheReplyAndTheConnectionGoesOn) {
  for (const int code : {403, 404, 502, 503, 504, 507}) {
    EXPECT_EQ(GetOnce("/new"), "");
    EXPECT_EQ(CodeOf(Answer(absl::StrCat(code, " because"))), code);
  }
  EXPECT_EQ(ContentOf(GetOnce("/a")), "hello");
}

TEST_F(HttpFetchTest, NoNameThatIsRefusedIsFetched) {
  EXPECT_EQ(CodeOf(GetOnce("/.secret")), 404);
  EXPECT_EQ(CodeOf(GetOnce("/-/none")), 404);
  EXPECT_EQ(CodeOf(GetOnce("/a/../../b")), 400);
  EXPECT_EQ(CodeOf(Pass(Request("PUT /new", "Content-Length: 2\r\n", "ok"))), 201);
  EXPECT_FALSE(output_.asks());
}

TEST_F(HttpFetchTest, DirectoryOfTheOtherServerIsRedirectedToItsSlashAndHasAnIndex) {
  EXPECT_EQ(GetOnce("/far?x"), "");
  const std::string redirect = Answer("301 ");
  EXPECT_EQ(CodeOf(redirect), 301);
  EXPECT_EQ(FieldOf(redirect, "Location"), "/far/?x");
  EXPECT_EQ(GetOnce("/far/"), "");
  EXPECT_EQ(output_.asked().question.line, "far/index.html");
  EXPECT_EQ(CodeOf(Answer("404 no")), 404);
  EXPECT_EQ(GetOnce("/sub/"), "");
  EXPECT_EQ(CodeOf(Answer("404 no")), 200) << "a directory of this server's own is listed";
}

TEST_F(HttpFetchTest, CopyHasTheTagOfItsOriginal) {
  StoreCopy("copy", "0123456789", {.etag = "\"v1\"", .fresh_until = kFuture});
  EXPECT_EQ(FieldOf(GetOnce("/copy"), "ETag"), "\"v1\"");
  EXPECT_EQ(FieldOf(GetOnce("/copy"), "ETag"), "\"v1\"") << "from the cache";
  EXPECT_EQ(CodeOf(GetOnce("/copy", "If-None-Match: \"v1\"\r\n")), 304);
  EXPECT_EQ(CodeOf(GetOnce("/copy", "If-Match: \"v2\"\r\n")), 412);
  EXPECT_EQ(CodeOf(GetOnce("/copy", "If-Range: \"v1\"\r\nRange: bytes=0-1\r\n")), 206);
  EXPECT_EQ(CodeOf(GetOnce("/copy", "If-Range: \"v2\"\r\nRange: bytes=0-1\r\n")), 200);
}

TEST_F(HttpFetchTest, WeakTagOfTheOriginalDoesForReadingAndNotForParts) {
  StoreCopy("copy", "0123456789", {.etag = "W/\"v1\"", .fresh_until = kFuture});
  EXPECT_EQ(CodeOf(GetOnce("/copy", "If-None-Match: W/\"v1\"\r\n")), 304);
  EXPECT_EQ(CodeOf(GetOnce("/copy", "If-None-Match: \"v1\"\r\n")), 304);
  EXPECT_EQ(CodeOf(GetOnce("/copy", "If-Match: W/\"v1\"\r\n")), 412);
  EXPECT_EQ(CodeOf(GetOnce("/copy", "If-Range: W/\"v1\"\r\nRange: bytes=0-1\r\n")), 200);
}

// The note changes with each validation, and so does the change time of the file, of which its own tag is made.
TEST_F(HttpFetchTest, CopyWithoutATagKeepsItsOwnWhenItIsValidated) {
  StoreCopy("copy", "0123456789", {.fresh_until = kFuture});
  const std::string tag = FieldOf(GetOnce("/copy"), "ETag");
  const Library::File before = *library_->Find("copy");
  do {
    ASSERT_TRUE(WriteCopyNote(before.fd->get(), before, {.fresh_until = kFuture + 1}).ok());
  } while (library_->Peek("copy")->touched == before.touched);
  EXPECT_EQ(FieldOf(GetOnce("/copy"), "ETag"), tag);
  EXPECT_EQ(CodeOf(GetOnce("/copy", absl::StrCat("If-None-Match: ", tag, "\r\n"))), 304);
}

TEST_F(HttpFetchTest, StaleCopyIsServedAndRefreshedAlsoFromTheCache) {
  StoreCopy("copy", "0123456789", {.fresh_until = kPast});
  EXPECT_EQ(ContentOf(GetOnce("/copy")), "0123456789");
  EXPECT_EQ(ContentOf(GetOnce("/copy")), "0123456789");
  EXPECT_EQ(fetcher_->refreshed, (std::vector<std::string>{"copy", "copy"}));
}

TEST_F(HttpFetchTest, CopyIsNoLongerFreshForClientsThanItIsHere) {
  StoreCopy("copy", "0123456789", {.etag = "\"v1\"", .fresh_until = kFuture});
  for (const char* fields : {"", "Range: bytes=0-1\r\n", "If-None-Match: \"v1\"\r\n"}) {
    const std::string reply = GetOnce("/copy", fields);
    EXPECT_EQ(FieldOf(reply, "Expires"), "Tue, 02 Oct 2096 07:06:40 GMT") << reply;
    EXPECT_EQ(FieldOf(reply, "Cache-Control"), "");
  }
  StoreCopy("strict", "0123456789", {.fresh_until = kFuture, .must_validate = true});
  EXPECT_EQ(FieldOf(GetOnce("/strict"), "Cache-Control"), "must-revalidate");
  EXPECT_EQ(FieldOf(GetOnce("/a"), "Expires"), "") << "a file of this server's own";
}

TEST_F(HttpFetchTest, StaleCopyThatMustBeValidatedWaits) {
  StoreCopy("copy", "0123456789", {.fresh_until = kPast, .must_validate = true});
  EXPECT_EQ(GetOnce("/copy"), "");
  EXPECT_EQ(ContentOf(Answer("200 ")), "0123456789");
  EXPECT_EQ(GetOnce("/copy"), "") << "not from the cache";
  EXPECT_EQ(CodeOf(Answer("504 late")), 504);
}

// While the file was fetched, another session has answered with it, and the reply is kept: so this one is answered
// without a look at the file, and its fetch says nothing of the next request.
TEST_F(HttpFetchTest, FetchThatTheCacheHasOvertakenIsNotTheNextRequests) {
  const std::shared_ptr<const HttpSite> site = MakeSite();
  session_ = std::make_unique<HttpSession>(site);
  EXPECT_EQ(GetOnce("/new"), "");
  StoreCopy("new", "fresh", {.fresh_until = kFuture});
  const std::string request = Request("GET /new");
  while (site->reply_cache().Find(*library_, "new") == nullptr) {  // Until the file is old enough for it.
    HttpSession other(site);
    Output output;
    Input input(request);
    other.OnInput(input, output);
  }
  EXPECT_EQ(ContentOf(Answer("200 ")), "fresh");
  ASSERT_TRUE(library_->RemoveCopy("new").ok());
  EXPECT_EQ(GetOnce("/new"), "");
  EXPECT_TRUE(output_.asks()) << "and not: could not be kept";
}

// What is known of the copy would not hold for a file beside it, nor the other way round.
TEST_F(HttpFetchTest, CopiesHaveNoCompressedNeighboursAndAreNone) {
  site_options_.precompressed = true;
  session_ = MakeSession();
  const std::string accepts = "Accept-Encoding: gzip\r\n";
  StoreCopy("copy", "theirs", {.fresh_until = kPast, .must_validate = true});
  PutAfter("copy", "copy.gz", "ours");
  EXPECT_EQ(GetOnce("/copy", accepts), "");
  EXPECT_EQ(ContentOf(Answer("200 ")), "theirs");
  do {
    StoreCopy("a.gz", "theirs", {.fresh_until = kPast, .must_validate = true});
  } while (library_->Find("a.gz")->touched <= library_->Find("a")->touched);
  EXPECT_EQ(ContentOf(GetOnce("/a", accepts)), "hello");
}

TEST_F(HttpFetchTest, SeveralPartsOfACopyHaveABoundaryWhateverItsTag) {
  StoreCopy("copy", "0123456789", {.etag = "\"a;b c=\xFF\"", .fresh_until = kFuture});
  const std::string reply = GetOnce("/copy", "Range: bytes=0-1,4-5\r\n");
  EXPECT_EQ(CodeOf(reply), 206);
  EXPECT_FALSE(absl::StrContains(FieldOf(reply, "Content-Type"), "a;b"));
}

}  // namespace
}  // namespace polyserve
