#include "protocol/http/test_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "protocol/http/conditions.h"
#include "protocol/http/media_types.h"

namespace polyserve {

namespace fs = std::filesystem;

void HttpFixture::SetUp() {
  // By the test's name, so that nothing that one test leaves behind reaches another.
  root_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
  Reset();
}

void HttpFixture::Reset() {
  fs::remove_all(root_);
  fs::create_directories(root_ / "sub");
  fs::create_directories(root_ / "site");
  Put("a", "hello");
  Put("page.html", "<p>page");
  Put("digits.txt", "0123456789");
  Put("two words", "12345678");
  Put(".hidden", "secret");
  Put("sub/deep", "deep");
  Put("site/index.html", "<p>index");
}

void HttpFixture::Put(const std::string& name, absl::string_view content, int64_t mtime) {
  std::ofstream(root_ / name).write(content.data(), static_cast<std::streamsize>(content.size()));
  // A known time: Last-Modified is then the same in every run.
  const timespec times[2] = {{mtime, 0}, {mtime, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (root_ / name).c_str(), times, 0), 0);
}

void HttpFixture::PutAfter(const std::string& other, const std::string& name, absl::string_view content,
                           int64_t mtime) {
  const std::shared_ptr<const Library> library = *Library::Open(root_.string(), {});
  // A change time cannot be set, so the file is written until the file system's clock has ticked.
  do {
    Put(name, content, mtime);
  } while (library->Peek(name)->touched <= library->Peek(other)->touched);
}

std::string HttpFixture::Content(const std::string& name) const {
  std::stringstream text;
  text << std::ifstream(root_ / name).rdbuf();
  return text.str();
}

size_t HttpFixture::NamesInRoot() const {
  return static_cast<size_t>(std::distance(fs::directory_iterator(root_), fs::directory_iterator()));
}

std::string HttpFixture::ETag(absl::string_view name) const {
  return HttpETag(*(*Library::Open(root_.string(), {}))->Find(name));
}

std::shared_ptr<const HttpSite> HttpFixture::MakeSite() const {
  // A table of types of its own, since that of the system differs from one machine to the next.
  return std::make_shared<const HttpSite>(
      *Library::Open(root_.string(), options_),
      MediaTypes::Parse("text/html html\ntext/plain txt\nimage/svg+xml svg\napplication/xml xml\n"), site_options_,
      [] { return int64_t{kMtime}; });
}

Transcript HttpFixture::Talk(absl::string_view input) {
  if (!absl::StrContains(input, "PUT ")) return TalkInAnyPieces([this] { return MakeSession(); }, input);
  // Each try with an upload makes a file of its own, so these may differ between tries even if all is well.
  const std::regex state("(ETag|Last-Modified): [^\r]*");
  bool is_new = false;
  return TalkInAnyPieces(
      [this, &is_new] {
        // Making the root anew for each of some hundred tries would be slow. Its own date shows whether it is needed:
        // every upload changes that.
        const fs::file_time_type long_ago = {};
        if (!is_new || fs::last_write_time(root_) != long_ago) Reset();  // An upload has changed it.
        fs::last_write_time(root_, long_ago);
        is_new = true;
        return MakeSession();
      },
      input, [&state](std::string replies) { return std::regex_replace(replies, state, "$1: STATE"); });
}

// For requests whose effect on the files is looked at afterwards.
Transcript HttpFixture::TalkOnce(absl::string_view input) const {
  return TalkInPieces([this] { return MakeSession(); }, {input});
}

// "Host: x" is the least that HTTP/1.1 asks for; a name of one label is allowed by every list of hosts.
std::string HttpFixture::Request(absl::string_view method_and_target, absl::string_view fields,
                                 absl::string_view content) {
  return absl::StrCat(method_and_target, " HTTP/1.1\r\nHost: x\r\n", fields, "\r\n", content);
}

std::string HttpFixture::Get(absl::string_view target, absl::string_view fields) {
  return Talk(Request(absl::StrCat("GET ", target), fields)).replies;
}

std::string HttpFixture::Head(absl::string_view target, absl::string_view fields) {
  return Talk(Request(absl::StrCat("HEAD ", target), fields)).replies;
}

int HttpFixture::CodeOf(absl::string_view reply) {
  int code = 0;
  const bool is_reply = absl::StartsWith(reply, "HTTP/1.1 ") && absl::SimpleAtoi(reply.substr(9, 3), &code);
  return is_reply ? code : -1;
}

std::string HttpFixture::ContentOf(absl::string_view reply) {
  const size_t end = reply.find("\r\n\r\n");
  // A text that no test expects, so that its failure says what is wrong.
  return end == absl::string_view::npos ? "no end of the head" : std::string(reply.substr(end + 4));
}

std::string HttpFixture::FieldOf(absl::string_view reply, absl::string_view name) {
  const absl::string_view head = reply.substr(0, reply.find("\r\n\r\n") + 2);
  // From the end of a line on, so that "Length" does not find Content-Length.
  const size_t begin = head.find(absl::StrCat("\r\n", name, ": "));
  if (begin == absl::string_view::npos) return "";
  const absl::string_view value = head.substr(begin + 2 + name.size() + 2);
  return std::string(value.substr(0, value.find('\r')));
}

}  // namespace polyserve
