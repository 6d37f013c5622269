// http: what is sent of a file: whole, in parts, compressed, if it has changed; and the pages of directories.
#include "protocol/http/files.h"

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "protocol/http/test_fixture.h"

namespace polyserve {
namespace {

class HttpFilesTest : public HttpFixture {};

TEST_F(HttpFilesTest, GetsFilesOfAnySize) {
  for (int64_t size : {int64_t{0}, int64_t{1}, kMaxCopiedFileBytes, kMaxCopiedFileBytes + 1, int64_t{200'000}}) {
    const std::string content(static_cast<size_t>(size), 'x');
    Put("sized", content);
    EXPECT_EQ(ContentOf(Get("/sized")), content);
    EXPECT_EQ(FieldOf(Head("/sized"), "Content-Length"), absl::StrCat(size));
  }
}

TEST_F(HttpFilesTest, SendsTheFileAsItIsNowThoughItKeepsReplies) {
  const std::shared_ptr<const HttpSite> site = MakeSite();
  const auto get = [&] {
    return TalkInPieces([&] { return std::make_unique<HttpSession>(site); }, {Request("GET /a")}).replies;
  };
  for (absl::string_view content : {"first", "other", "longer"}) {
    Put("a", content);
    const std::string reply = get();
    EXPECT_EQ(ContentOf(reply), content);
    while (site->reply_cache().Find(site->library(), "a") == nullptr) EXPECT_EQ(get(), reply);
    EXPECT_EQ(get(), reply) << "the kept one";
  }
}

TEST_F(HttpFilesTest, ChangeInTheFutureIsToldAsOfNow) {
  Put("future.txt", "later", kMtime + 1000);
  for (absl::string_view fields : {"", "Range: bytes=0-1\r\n", "Range: bytes=0-0,2-2\r\n"}) {
    const std::string reply = Get("/future.txt", fields);
    EXPECT_EQ(FieldOf(reply, "Last-Modified"), FieldOf(reply, "Date")) << fields;
  }
  const std::string unchanged = Get("/future.txt", absl::StrCat("If-None-Match: ", ETag("future.txt"), "\r\n"));
  EXPECT_EQ(CodeOf(unchanged), 304);
  EXPECT_EQ(FieldOf(unchanged, "Last-Modified"), FieldOf(unchanged, "Date"));
  EXPECT_EQ(FieldOf(Get("/a"), "Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_F(HttpFilesTest, PagesThatAnybodyMayHaveStoredHaveAnOriginOfTheirOwn) {
  Put("picture.svg", "<svg/>");
  Put("feed.xml", "<feed/>");
  for (const bool sandboxes : {false, true}) {
    site_options_.sandboxes_pages = sandboxes;
    for (absl::string_view target : {"/page.html", "/picture.svg", "/feed.xml", "/site/"}) {
      const std::string policy = FieldOf(Get(target), "Content-Security-Policy");
      EXPECT_EQ(absl::StrContains(policy, "sandbox"), sandboxes) << target;
      EXPECT_FALSE(absl::StrContains(policy, "allow-same-origin")) << target;
      EXPECT_EQ(FieldOf(Get(target, "Range: bytes=0-1\r\n"), "Content-Security-Policy"), policy) << target;
    }
    EXPECT_EQ(FieldOf(Get("/digits.txt"), "Content-Security-Policy"), "");
    EXPECT_EQ(FieldOf(Get("/sub/"), "Content-Security-Policy"), "") << "the server's own page";
  }
}

TEST_F(HttpFilesTest, RefusesWhatIsNotThere) {
  EXPECT_EQ(CodeOf(Get("/none")), 404);
  EXPECT_EQ(CodeOf(Get("/none/")), 404);
  EXPECT_EQ(CodeOf(Get("/a/b")), 404);
  EXPECT_EQ(CodeOf(Get("/a/")), 404);
  std::filesystem::create_symlink("../../etc/passwd", root_ / "leads-out");
  EXPECT_EQ(CodeOf(Get("/leads-out")), 403);
}

TEST_F(HttpFilesTest, GetsOneRange) {
  const struct {
    absl::string_view asked, content_range, content;
  } kCases[] = {
      {"0-0", "bytes 0-0/10", "0"},
      {"2-4", "bytes 2-4/10", "234"},
      {"7-", "bytes 7-9/10", "789"},
      {"-3", "bytes 7-9/10", "789"},
      {"-99", "bytes 0-9/10", "0123456789"},
      {"8-99", "bytes 8-9/10", "89"},
      {"20-, 1-2", "bytes 1-2/10", "12"},
      {",, 1-2 ,", "bytes 1-2/10", "12"},
      {"9-99999999999999999999", "bytes 9-9/10", "9"},
  };
  for (const auto& one : kCases) {
    const std::string reply = Get("/digits.txt", absl::StrCat("Range: bytes=", one.asked, "\r\n"));
    EXPECT_EQ(CodeOf(reply), 206) << one.asked;
    EXPECT_EQ(FieldOf(reply, "Content-Range"), one.content_range);
    EXPECT_EQ(FieldOf(reply, "Content-Length"), absl::StrCat(one.content.size()));
    EXPECT_EQ(ContentOf(reply), one.content);
  }
}

TEST_F(HttpFilesTest, GetsSeveralRanges) {
  const std::string reply = Get("/digits.txt", "Range: bytes=0-1,-2,4-4,50-60\r\n");
  EXPECT_EQ(CodeOf(reply), 206);
  const std::string type = FieldOf(reply, "Content-Type");
  ASSERT_TRUE(absl::StartsWith(type, "multipart/byteranges; boundary=")) << type;
  const std::string boundary = type.substr(type.find('=') + 1);
  const std::string part =
      absl::StrCat("\r\n--", boundary, "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ");
  EXPECT_EQ(ContentOf(reply), absl::StrCat(part, "0-1/10\r\n\r\n01", part, "8-9/10\r\n\r\n89", part,
                                           "4-4/10\r\n\r\n4\r\n--", boundary, "--\r\n"));
  EXPECT_EQ(FieldOf(reply, "Content-Length"), absl::StrCat(ContentOf(reply).size()));
  EXPECT_EQ(FieldOf(reply, "Content-Range"), "");
}

TEST_F(HttpFilesTest, SaysWhereNoRangeIsInTheFile) {
  for (absl::string_view asked : {"10-", "10-20", "-0", "50-60, 70-"}) {
    const std::string reply = Get("/digits.txt", absl::StrCat("Range: bytes=", asked, "\r\n"));
    EXPECT_EQ(CodeOf(reply), 416) << asked;
    EXPECT_EQ(FieldOf(reply, "Content-Range"), "bytes */10");
  }
}

TEST_F(HttpFilesTest, IgnoresRangesThatItDoesNotServe) {
  std::string many = "0-0";
  for (int i = 0; i < 16; ++i) absl::StrAppend(&many, ",0-0");
  for (const std::string& asked :
       {std::string("bytes=4-2"), std::string("bytes=a-b"), std::string("bytes=-"), std::string("bytes=5"),
        std::string("bytes="), std::string("lines=1-2"), std::string("1-2"), "bytes=" + many,
        std::string("bytes=0-8,0-8"), std::string("bytes=1-2,x")}) {
    const std::string reply = Get("/digits.txt", absl::StrCat("Range: ", asked, "\r\n"));
    EXPECT_EQ(CodeOf(reply), 200) << asked;
    EXPECT_EQ(ContentOf(reply), "0123456789");
  }
  EXPECT_EQ(CodeOf(Head("/digits.txt", "Range: bytes=1-2\r\n")), 200) << "defined for GET alone";
  Put("empty", "");
  EXPECT_EQ(CodeOf(Get("/empty", "Range: bytes=0-\r\n")), 200);
}

TEST_F(HttpFilesTest, GetsARangeOnlyOfTheStateThatIfRangeNames) {
  const std::string range = "Range: bytes=1-2\r\nIf-Range: ";
  EXPECT_EQ(ContentOf(Get("/digits.txt", absl::StrCat(range, ETag("digits.txt"), "\r\n"))), "12");
  EXPECT_EQ(ContentOf(Get("/digits.txt", range + "Sun, 06 Nov 1994 08:49:37 GMT\r\n")), "12");
  for (const std::string& other :
       {std::string("\"other\""), "W/" + ETag("digits.txt"), std::string("Sun, 06 Nov 1994 08:49:36 GMT"),
        std::string("Sun, 06 Nov 1994 08:49:38 GMT"), std::string("nonsense")}) {
    EXPECT_EQ(ContentOf(Get("/digits.txt", absl::StrCat(range, other, "\r\n"))), "0123456789") << other;
  }
}

TEST_F(HttpFilesTest, HoldsConditions) {
  const std::string tag = ETag("a");
  EXPECT_EQ(CodeOf(Get("/a", absl::StrCat("If-None-Match: ", tag, "\r\n"))), 304);
  EXPECT_EQ(CodeOf(Head("/a", "If-None-Match: *\r\n")), 304);
  EXPECT_EQ(CodeOf(Get("/a", absl::StrCat("If-None-Match: \"x\"\r\nIf-None-Match: W/", tag, "\r\n"))), 304)
      << "in two lines";
  EXPECT_EQ(CodeOf(Get("/a", "If-Match: \"other\"\r\n")), 412);
  EXPECT_EQ(CodeOf(Get("/a", absl::StrCat("If-Match: \"other\", ", tag, "\r\n"))), 200);
  EXPECT_EQ(CodeOf(Get("/a", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n")), 304);
  EXPECT_EQ(CodeOf(Get("/a", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n")), 200);
  EXPECT_EQ(CodeOf(Get("/a", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n")), 412);
  EXPECT_EQ(CodeOf(Get("/none", "If-Match: *\r\n")), 404) << "they count where the answer is a success";
  EXPECT_EQ(CodeOf(Get("/a", absl::StrCat("If-None-Match: ", tag, "\r\nRange: bytes=90-\r\n"))), 304)
      << "before the range";
}

TEST_F(HttpFilesTest, NotModifiedRepeatsTheValidatorsAndHasNoContent) {
  site_options_.precompressed = true;
  const std::string reply = Get("/a", "If-None-Match: *\r\n");
  EXPECT_EQ(FieldOf(reply, "ETag"), ETag("a"));
  EXPECT_EQ(FieldOf(reply, "Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(FieldOf(reply, "Vary"), "Accept-Encoding");
  EXPECT_EQ(FieldOf(reply, "Content-Length"), "");
  EXPECT_EQ(ContentOf(reply), "");
}

TEST_F(HttpFilesTest, SendsTheCompressedFileBesideItToWhoTakesIt) {
  site_options_.precompressed = true;
  PutAfter("page.html", "page.html.gz", "gzipped");
  PutAfter("page.html", "page.html.br", "brotlied");
  const std::string gzip = Get("/page.html", "Accept-Encoding: gzip, deflate\r\n");
  EXPECT_EQ(ContentOf(gzip), "gzipped");
  EXPECT_EQ(FieldOf(gzip, "Content-Encoding"), "gzip");
  EXPECT_EQ(FieldOf(gzip, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(FieldOf(gzip, "Vary"), "Accept-Encoding");
  EXPECT_EQ(FieldOf(gzip, "ETag"), ETag("page.html.gz"));
  EXPECT_EQ(ContentOf(Get("/page.html", "Accept-Encoding: gzip, br\r\n")), "brotlied");
  EXPECT_EQ(ContentOf(Get("/page.html", "Accept-Encoding: gzip;q=1, br;q=0.5\r\n")), "gzipped");
  EXPECT_EQ(ContentOf(Get("/page.html", "Accept-Encoding: zstd, gzip\r\nRange: bytes=1-3\r\n")), "zip");
  EXPECT_EQ(
      CodeOf(Get("/page.html", absl::StrCat("Accept-Encoding: gzip\r\nIf-None-Match: ", ETag("page.html.gz"), "\r\n"))),
      304);
  for (absl::string_view fields :
       {"", "Accept-Encoding: zstd\r\n", "Accept-Encoding: gzip;q=0, br;q=0\r\n", "Accept-Encoding: \r\n"}) {
    EXPECT_EQ(ContentOf(Get("/page.html", fields)), "<p>page") << fields;
  }
  EXPECT_EQ(FieldOf(Get("/page.html.gz"), "Content-Encoding"), "") << "asked for by its own name";
}

TEST_F(HttpFilesTest, DoesNotSendACompressedFileThatIsOlder) {
  site_options_.precompressed = true;
  PutAfter("page.html", "page.html.gz", "stale", kMtime - 1);
  EXPECT_EQ(ContentOf(Get("/page.html", "Accept-Encoding: gzip\r\n")), "<p>page") << "by the second that it tells";
  PutAfter("page.html", "page.html.gz", "stale");
  EXPECT_EQ(ContentOf(Get("/page.html", "Accept-Encoding: gzip\r\n")), "stale");
  PutAfter("page.html.gz", "page.html", "<p>new!");
  EXPECT_EQ(ContentOf(Get("/page.html", "Accept-Encoding: gzip\r\n")), "<p>new!") << "by the file system's clock";
}

TEST_F(HttpFilesTest, SendsCompressedFilesOnlyIfAskedTo) {
  PutAfter("page.html", "page.html.gz", "unrelated");
  const std::string reply = Get("/page.html", "Accept-Encoding: gzip\r\n");
  EXPECT_EQ(ContentOf(reply), "<p>page");
  EXPECT_EQ(FieldOf(reply, "Vary"), "");
}

TEST_F(HttpFilesTest, SendsWhatTheClientTakesThoughItKeepsReplies) {
  site_options_.precompressed = true;
  const std::shared_ptr<const HttpSite> site = MakeSite();
  const auto get = [&](absl::string_view fields) {
    return ContentOf(
        TalkInPieces([&] { return std::make_unique<HttpSession>(site); }, {Request("GET /page.html", fields)}).replies);
  };
  // What clients get that accept nothing, gzip, and gzip or br: before the reply is kept, and from the cache.
  const auto expect = [&](absl::string_view plain, absl::string_view gzip, absl::string_view both) {
    struct Client {
      absl::string_view fields;
      std::string key;
      absl::string_view content;
    };
    for (const Client& client :
         {Client{"", "page.html", plain}, Client{"Accept-Encoding: deflate\r\n", "page.html", plain},
          Client{"Accept-Encoding: gzip\r\n", {"page.html\0gzip", 14}, gzip},
          Client{"Accept-Encoding: gzip, br\r\n", {"page.html\0br\0gzip", 17}, both}}) {
      while (site->reply_cache().Find(site->library(), client.key) == nullptr) {
        EXPECT_EQ(get(client.fields), client.content) << client.fields;
      }
      EXPECT_EQ(get(client.fields), client.content) << "the kept one: " << client.fields;
    }
  };
  expect("<p>page", "<p>page", "<p>page");
  PutAfter("page.html", "page.html.gz", "gzipped");
  expect("<p>page", "gzipped", "gzipped");
  PutAfter("page.html", "page.html.br", "brotlied");
  expect("<p>page", "gzipped", "brotlied");
  Put("page.html", "<p>newer", kMtime + 1);
  expect("<p>newer", "<p>newer", "<p>newer");
  PutAfter("page.html", "page.html.gz", "gzipped anew", kMtime + 1);
  expect("<p>newer", "gzipped anew", "gzipped anew");
  std::filesystem::remove(root_ / "page.html.gz");
  expect("<p>newer", "<p>newer", "<p>newer");
}

TEST_F(HttpFilesTest, SendsTheIndexOfADirectory) {
  EXPECT_EQ(ContentOf(Get("/site/")), "<p>index");
  site_options_.precompressed = true;
  PutAfter("site/index.html", "site/index.html.gz", "gzipped");
  EXPECT_EQ(ContentOf(Get("/site/", "Accept-Encoding: gzip\r\n")), "gzipped");
}

TEST_F(HttpFilesTest, RedirectsToADirectorysSlash) {
  std::filesystem::create_directory(root_ / "two dirs");
  const std::string reply = Get("/two%20dirs?x=1");
  EXPECT_EQ(CodeOf(reply), 301);
  EXPECT_EQ(FieldOf(reply, "Location"), "/two%20dirs/?x=1");
}

TEST_F(HttpFilesTest, ListsADirectoryAsAsked) {
  Put("sub/small", "");
  const std::string reply = Get("/sub/?sort=size&format=json");
  EXPECT_EQ(CodeOf(reply), 200);
  EXPECT_EQ(FieldOf(reply, "Content-Type"), "application/json");
  EXPECT_EQ(FieldOf(reply, "Connection"), "close");
  EXPECT_EQ(FieldOf(reply, "Content-Length"), absl::StrCat(ContentOf(reply).size()));
  const std::string content = ContentOf(reply);
  EXPECT_LT(content.find("\"small\""), content.find("\"deep\"")) << content;
  EXPECT_EQ(FieldOf(Head("/sub/?format=json"), "Content-Length"), absl::StrCat(content.size()));
  const std::string page = Get("/sub/?sort=size&order=desc");
  EXPECT_LT(page.find(">deep</a>"), page.find(">small</a>"));
  EXPECT_EQ(FieldOf(Get("/site/?format=json"), "Content-Type"), "text/html; charset=utf-8") << "it has an index";
}

TEST_F(HttpFilesTest, ListsADirectoryWithoutAnIndex) {
  Put("sub/<&\"'>: 100%", std::string(1536, 'x'));
  Put("sub/.hidden", "");
  std::filesystem::create_directory(root_ / "sub/deeper");
  const std::string reply = Get("/sub/");
  EXPECT_EQ(CodeOf(reply), 200);
  EXPECT_EQ(FieldOf(reply, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(FieldOf(reply, "Content-Length"), absl::StrCat(ContentOf(reply).size()));
  for (absl::string_view part :
       {"<a href=\"../\">", "<a href=\"./deep\">deep</a>", "<a href=\"./deeper/\">deeper/</a>", "4 B",
        "1994-11-06 08:49", "1.5 KiB", "&lt;&amp;&quot;&#39;&gt;: 100%</a>", "./%3C&amp;%22%27%3E%3A%20100%25\""}) {
    EXPECT_TRUE(absl::StrContains(reply, part)) << part << "\n" << reply;
  }
  EXPECT_FALSE(absl::StrContains(reply, "hidden"));
  EXPECT_EQ(CodeOf(Get("/")), 200);
}

}  // namespace
}  // namespace polyserve
