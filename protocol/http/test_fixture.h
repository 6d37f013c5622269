// HttpFixture: a small library in a temporary directory and a clock that stands still, for tests of http. No socket and
// no driver takes part: the session harness passes requests to a session, cut in every way.
//
//   TEST_F(HttpFilesTest, ...) { EXPECT_EQ(ContentOf(Get("/a")), "hello"); }
#ifndef POLYSERVE_PROTOCOL_HTTP_TEST_FIXTURE_H_
#define POLYSERVE_PROTOCOL_HTTP_TEST_FIXTURE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "files/library.h"
#include "gtest/gtest.h"
#include "protocol/http/session.h"
#include "protocol/http/site.h"
#include "protocol/session_harness.h"

namespace polyserve {

// The root holds: a ("hello"), page.html ("<p>page"), digits.txt ("0123456789"), "two words" ("12345678"), .hidden,
// sub/deep ("deep"), site/index.html ("<p>index").
class HttpFixture : public testing::Test {
 protected:
  static constexpr int64_t kMtime = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

  void SetUp() override;

  // Restores the library to the files listed above.
  void Reset();
  // Writes a file with this content and modification time.
  void Put(const std::string& name, absl::string_view content, int64_t mtime = kMtime);
  // The same, with a change time (ctime) later than that of `other`. Waits for the file system's clock.
  void PutAfter(const std::string& other, const std::string& name, absl::string_view content, int64_t mtime = kMtime);
  std::string Content(const std::string& name) const;
  // The number of names in the root, hidden ones included.
  size_t NamesInRoot() const;
  std::string ETag(absl::string_view name) const;

  // A site over the root, with the present options_ and site_options_, and a reply cache of its own.
  std::shared_ptr<const HttpSite> MakeSite() const;
  std::unique_ptr<HttpSession> MakeSession() const { return std::make_unique<HttpSession>(MakeSite()); }

  // Passes the input cut in every way (TalkInAnyPieces). Uploads change the root, so each try with a PUT starts from a
  // new one; entity tags and dates are then replaced by "STATE" in the replies.
  Transcript Talk(absl::string_view input);
  // Passes the input whole, without a Reset().
  Transcript TalkOnce(absl::string_view input) const;

  // A request of HTTP/1.1; `fields` are whole lines.
  static std::string Request(absl::string_view method_and_target, absl::string_view fields = "",
                             absl::string_view content = "");
  // The replies to it.
  std::string Get(absl::string_view target, absl::string_view fields = "");
  std::string Head(absl::string_view target, absl::string_view fields = "");

  // What the tests ask of a reply.
  static int CodeOf(absl::string_view reply);
  static std::string ContentOf(absl::string_view reply);
  static std::string FieldOf(absl::string_view reply, absl::string_view name);  // "" if it is not there.

  // A directory for each test, named after it.
  std::filesystem::path root_;
  Library::Options options_;
  HttpSite::Options site_options_;
};

}  // namespace polyserve

#endif  // POLYSERVE_PROTOCOL_HTTP_TEST_FIXTURE_H_
