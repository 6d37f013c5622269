// The page at /-/: all of its files are there, small, from this server alone, and asked for again only if they changed.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "protocol/http/page/assets.h"
#include "protocol/http/test_fixture.h"

namespace polyserve {
namespace {

// A page that is larger is slow over the network of a lecture hall.
constexpr size_t kMaxPageBytes = 150 * 1024;

class HttpPageFilesTest : public HttpFixture {
 protected:
  static std::string TargetOf(const PageAsset& asset) {
    return asset.name == "index.html" ? "/-/" : absl::StrCat("/-/page/", asset.name);
  }
};

TEST_F(HttpPageFilesTest, EachFileIsThereWithItsType) {
  size_t bytes = 0;
  for (const PageAsset& asset : AllPageAssets()) {
    const std::string reply = TalkOnce(Request(absl::StrCat("GET ", TargetOf(asset)))).replies;
    EXPECT_EQ(CodeOf(reply), 200) << asset.name;
    EXPECT_EQ(ContentOf(reply), asset.content) << asset.name;
    EXPECT_NE(FieldOf(reply, "Content-Type"), "application/octet-stream") << asset.name;
    bytes += asset.content.size();
  }
  EXPECT_LE(bytes, kMaxPageBytes);
  EXPECT_EQ(FieldOf(TalkOnce(Request("GET /-/")).replies, "Content-Type"), "text/html; charset=utf-8");
}

TEST_F(HttpPageFilesTest, RunsNothingButItsOwnScripts) {
  for (const PageAsset& asset : AllPageAssets()) {
    const std::string reply = TalkOnce(Request(absl::StrCat("GET ", TargetOf(asset)))).replies;
    const std::string policy = FieldOf(reply, "Content-Security-Policy");
    EXPECT_TRUE(absl::StrContains(policy, "default-src 'none'")) << asset.name;
    EXPECT_TRUE(absl::StrContains(policy, "script-src 'self';")) << asset.name;
    EXPECT_FALSE(absl::StrContains(policy, "unsafe")) << asset.name;
  }
}

// The names of XML namespaces look like addresses, and are none.
TEST_F(HttpPageFilesTest, NamesNoOtherHost) {
  for (const PageAsset& asset : AllPageAssets()) {
    std::string content(asset.content);
    for (size_t at = 0; (at = content.find("http://www.w3.org/", at)) != std::string::npos;) content.erase(at, 18);
    EXPECT_FALSE(absl::StrContains(content, "http://") || absl::StrContains(content, "https://")) << asset.name;
    EXPECT_FALSE(absl::StrContains(content, "innerHTML")) << asset.name << ": names of files and people are no markup";
  }
}

TEST_F(HttpPageFilesTest, IsNotSentAgainIfItIsKnown) {
  const std::string tag = FieldOf(Get("/-/"), "ETag");
  for (const std::string& known : {tag, absl::StrCat("\"other\", W/", tag), std::string("*")}) {
    const std::string reply = Get("/-/", absl::StrCat("If-None-Match: ", known, "\r\n"));
    EXPECT_EQ(CodeOf(reply), 304) << known;
    EXPECT_EQ(ContentOf(reply), "") << known;
    EXPECT_EQ(FieldOf(reply, "ETag"), tag) << known;
  }
  EXPECT_EQ(CodeOf(Get("/-/", "If-None-Match: \"other\"\r\n")), 200);
}

TEST_F(HttpPageFilesTest, KeepsNoConnectionFromOtherClients) {
  for (absl::string_view target : {"/-/", "/-/page/app.js"}) {
    const Transcript talk = TalkOnce(Request(absl::StrCat("GET ", target)));
    EXPECT_EQ(FieldOf(talk.replies, "Connection"), "close") << target;
    EXPECT_TRUE(talk.closed) << target;
  }
}

TEST_F(HttpPageFilesTest, HasOneAddress) {
  for (absl::string_view target : {"/-/index.html", "/-/page/index.html", "/-/page/", "/-/page", "/-/app.js"}) {
    EXPECT_EQ(CodeOf(Get(target)), 404) << target;
  }
  EXPECT_EQ(FieldOf(Head("/-/"), "Content-Length"), FieldOf(Get("/-/"), "Content-Length"));
  EXPECT_EQ(CodeOf(Talk(Request("PUT /-/page/app.js", "Content-Length: 1\r\n", "x")).replies), 404);
}

}  // namespace
}  // namespace polyserve
