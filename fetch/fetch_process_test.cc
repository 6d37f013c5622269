// The process that fetches files: real sockets, a real process, and another server that answers well, badly or not.
#include "fetch/fetch_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "fetch/fetch_fixture.h"
#include "fetch/fetch_loop.h"
#include "gtest/gtest.h"
#include "protocol/file_fetch.h"
#include "tests/eventually.h"
#include "tests/http_origin.h"
#include "tests/scratch.h"

namespace polyserve {
namespace {

using Names = std::vector<std::string>;
using FetchProcessTest = FetchFixture;

TEST_F(FetchProcessTest, CrowdThatWantsOneFileCausesOneFetch) {
  const std::string content = RandomBytes(300'000, 1);
  const std::string head = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", content.size(), "\r\n\r\n");
  origin_.Serve("/pub/a", {.bytes = absl::StrCat(head, content.substr(0, 1000)), .rest = content.substr(1000)});
  Start(kFresh);
  constexpr int kCrowd = 200;
  std::vector<Asker> crowd;
  for (int i = 0; i < kCrowd; ++i) crowd.emplace_back(fetcher_, "a");
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  EXPECT_TRUE(root_.Names().empty()) << "not visible in part";
  origin_.Release();
  for (Asker& asker : crowd) EXPECT_EQ(asker.Answer(), "200 \n");
  EXPECT_EQ(origin_.requests("/pub/a"), 1u);
  EXPECT_EQ(Sha256(root_.Read("a")), Sha256(content));
  EXPECT_TRUE(Eventually([this] { return origin_.connections() == 0; }));
}

TEST_F(FetchProcessTest, CopyIsValidatedByItsETagAndReplacedIfThatHasChanged) {
  origin_.ServeFile("/pub/a", "one");
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  EXPECT_FALSE(absl::StrContains(origin_.last_request("/pub/a"), "If-None-Match"));
  EXPECT_EQ(Ask("a"), "200 \n");
  EXPECT_TRUE(absl::StrContains(origin_.last_request("/pub/a"),
                                absl::StrCat("\r\nIf-None-Match: ", HttpOrigin::ETagOf("one"), "\r\n")));
  EXPECT_EQ(root_.Read("a"), "one");
  origin_.ServeFile("/pub/a", "two!");
  EXPECT_EQ(Ask("a"), "200 \n");
  EXPECT_EQ(root_.Read("a"), "two!");
  EXPECT_EQ(origin_.requests("/pub/a"), 3u);
}

TEST_F(FetchProcessTest, FreshCopyIsNotAskedFor) {
  origin_.ServeFile("/pub/a", "one", "Cache-Control: max-age=1000\r\n");
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  EXPECT_EQ(Ask("a"), "200 \n");
  fetcher_.Refresh("a");
  EXPECT_EQ(Ask("a"), "200 \n") << "behind the refresh";
  EXPECT_EQ(origin_.requests("/pub/a"), 1u);
}

TEST_F(FetchProcessTest, CopyExpiresByTheClockOfTheOtherServer) {
  const std::string date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  origin_.ServeFile("/pub/later", "one", absl::StrCat(date, "Expires: Sun, 06 Nov 1994 09:49:37 GMT\r\n"));
  origin_.ServeFile("/pub/at-once", "one", absl::StrCat(date, "Expires: 0\r\n"));
  Start(kFresh);
  const int64_t before = absl::ToUnixSeconds(absl::Now());
  EXPECT_EQ(Ask("later"), "200 \n");
  EXPECT_EQ(Ask("at-once"), "200 \n");
  EXPECT_GE(library_->Find("later")->copy->fresh_until, before + 3600 - 1) << "kFresh is less";
  EXPECT_LE(library_->Find("at-once")->copy->fresh_until, absl::ToUnixSeconds(absl::Now()));
}

TEST_F(FetchProcessTest, CopyHasTheTimeAndTheETagOfTheOriginal) {
  origin_.ServeFile("/pub/a", "one", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: no-cache\r\n");
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  const Library::File file = *library_->Find("a");
  EXPECT_EQ(file.mtime, 784111777);
  ASSERT_NE(file.copy, nullptr);
  EXPECT_EQ(file.copy->etag, HttpOrigin::ETagOf("one"));
  EXPECT_TRUE(file.copy->must_validate);
  EXPECT_EQ(Ask("a"), "200 \n");
  EXPECT_TRUE(
      absl::StrContains(origin_.last_request("/pub/a"), "\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
}

TEST_F(FetchProcessTest, CopyIsOfNoTimeThatNoFileHas) {
  origin_.ServeFile("/pub/late", "one", "Last-Modified: Fri, 31 Dec 9999 23:59:59 GMT\r\n");
  origin_.ServeFile("/pub/early", "one", "Last-Modified: Mon, 01 Jan 0001 00:00:00 GMT\r\n");
  Start();
  EXPECT_EQ(Ask("late"), "200 \n");
  EXPECT_EQ(Ask("early"), "200 \n");
  EXPECT_LE(library_->Find("late")->mtime, absl::ToUnixSeconds(absl::Now()));
  EXPECT_EQ(library_->Find("early")->mtime, 0);
}

TEST_F(FetchProcessTest, WhatIsNoTagIsNotKeptAsOne) {
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: v1\r\n\r\nok"});
  origin_.Serve("/pub/b", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: W/\"v 1\"\r\n\r\nok"});
  origin_.Serve("/pub/c", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: W/\"v1\"\r\n\r\nok"});
  Start();
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(Ask(name), "200 \n");
  EXPECT_EQ(library_->Find("a")->copy->etag, "");
  EXPECT_EQ(library_->Find("b")->copy->etag, "");
  EXPECT_EQ(library_->Find("c")->copy->etag, "W/\"v1\"");
}

TEST_F(FetchProcessTest, RefreshReplacesAStaleCopyWhileNobodyWaits) {
  origin_.ServeFile("/pub/a", "one");
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  origin_.ServeFile("/pub/a", "two");
  fetcher_.Refresh("a");
  EXPECT_TRUE(Eventually([this] { return root_.Read("a") == "two"; }));
}

TEST_F(FetchProcessTest, NamesAreEncodedAndTheirDirectoriesMade) {
  origin_.ServeFile("/pub/x%20y/%C3%A9/a%3Fb", "deep");
  Start();
  EXPECT_EQ(Ask("x y/\xC3\xA9/a?b"), "200 \n");
  EXPECT_EQ(root_.Read("x y/\xC3\xA9/a?b"), "deep");
}

TEST_F(FetchProcessTest, AnswerThatIsCutShortLeavesNothingBehind) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
  const std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
  origin_.Serve("/pub/end", {.bytes = absl::StrCat(head, "hello")});
  origin_.Serve("/pub/reset", {.bytes = absl::StrCat(head, "hello"), .resets = true});
  origin_.Serve("/pub/chunks", {.bytes = chunks});
  origin_.Serve("/pub/head", {.bytes = "HTTP/1.1 200 OK\r\nContent-"});
  origin_.Serve("/pub/nothing", {});
  origin_.Serve("/pub/open", {.bytes = "HTTP/1.1 200 OK\r\n\r\nhello"});
  origin_.Serve("/pub/smtp", {.bytes = "220 smtp.example.com\r\n\r\n"});
  Start();
  for (const char* name : {"end", "reset", "chunks", "head", "nothing", "open", "smtp"}) {
    const std::string answer = Ask(name);
    EXPECT_TRUE(absl::StartsWith(answer, "502 ")) << name << ": " << answer;
    EXPECT_FALSE(absl::StrContains(answer, origin_.address())) << "where it is, is for the log";
  }
  EXPECT_EQ(root_.Names(), Names());
  origin_.Serve("/pub/chunks", {.bytes = absl::StrCat(chunks, "0\r\n\r\n")});
  EXPECT_EQ(Ask("chunks"), "200 \n") << "what went wrong is forgotten";
  EXPECT_EQ(root_.Read("chunks"), "hello");
}

TEST_F(FetchProcessTest, MoreThanTheAnnouncedLengthIsIgnored) {
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"});
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  EXPECT_EQ(root_.Read("a"), "hello");
}

TEST_F(FetchProcessTest, CopySurvivesAServerThatFails) {
  origin_.ServeFile("/pub/a", "one");
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"});
  EXPECT_TRUE(absl::StartsWith(Ask("a"), "502 "));
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_TRUE(absl::StartsWith(Ask("a"), "502 "));
  EXPECT_EQ(root_.Read("a"), "one");
}

TEST_F(FetchProcessTest, ServerThatStandsStillHasItsTimeAndNoMore) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
  origin_.Serve("/pub/silent", {.stays = true});
  origin_.Serve("/pub/half", {.bytes = absl::StrCat(head, "hello"), .stays = true});
  Start({.timeout = absl::Milliseconds(50), .fresh = absl::ZeroDuration()});
  EXPECT_TRUE(absl::StartsWith(Ask("silent"), "504 "));
  EXPECT_TRUE(absl::StartsWith(Ask("half"), "504 "));
  EXPECT_EQ(root_.Names(), Names());
  EXPECT_TRUE(Eventually([this] { return origin_.connections() == 0; }));
}

TEST_F(FetchProcessTest, ServerThatDripsHasNoMoreTimeThanOneThatStandsStill) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  origin_.Serve("/pub/head", {.bytes = "HTTP/1.1 200 OK\r\n", .drip = "X: y\r\n"});
  origin_.Serve("/pub/extension", {.bytes = absl::StrCat(chunked, "5;"),
                                   .drip = absl::StrCat(std::string(400, 'x'), "\r\nhello\r\n0\r\n\r\n")});
  origin_.Serve("/pub/content", {.bytes = chunked, .drip = "1\r\nx\r\n"});
  // Far longer than it takes from one byte to the next, and shorter than it takes to the end of the file.
  Start({.timeout = absl::Milliseconds(500), .fresh = absl::ZeroDuration()});
  std::vector<Asker> askers;
  for (const char* name : {"head", "extension", "content"}) askers.emplace_back(fetcher_, name);
  for (Asker& asker : askers) {
    const std::string answer = asker.Answer();
    EXPECT_TRUE(absl::StartsWith(answer, "504 ")) << answer;
  }
  EXPECT_EQ(root_.Names(), Names());
  EXPECT_TRUE(Eventually([this] { return origin_.connections() == 0; }));
}

TEST_F(FetchProcessTest, FileThatIsGoneThereIsGoneHere) {
  origin_.ServeFile("/pub/a", "one");
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"});
  EXPECT_EQ(Ask("a"), "404 there is no such file\n");
  EXPECT_EQ(root_.Names(), Names());
}

TEST_F(FetchProcessTest, WhatTheOtherServerRefusesByNowIsNotServedAnyLonger) {
  const std::pair<const char*, const char*> answers[] = {{"401 Who", ""},
                                                         {"403 No", ""},
                                                         {"301 Moved", "Location: http://elsewhere/pub/a/\r\n"},
                                                         {"200 OK", "Cache-Control: no-store\r\n"}};
  Start();
  for (const auto& [status, fields] : answers) {
    origin_.ServeFile("/pub/a", "one");
    EXPECT_EQ(Ask("a"), "200 \n");
    origin_.Serve("/pub/a", {.bytes = absl::StrCat("HTTP/1.1 ", status, "\r\n", fields, "Content-Length: 0\r\n\r\n")});
    EXPECT_NE(Ask("a"), "200 \n");
    EXPECT_EQ(root_.Names(), Names()) << status;
  }
}

TEST_F(FetchProcessTest, DirectoryIsKnownHoweverItsNameIsEncoded) {
  origin_.Serve("/pub/x%3Ay%20%C3%A9",
                {.bytes = "HTTP/1.1 301 Moved\r\nLocation: http://elsewhere/pub/x:y%20%c3%a9/\r\n"
                          "Content-Length: 0\r\n\r\n"});
  origin_.Serve("/pub/z", {.bytes = "HTTP/1.1 301 Moved\r\nLocation: /pub/z/?login\r\nContent-Length: 0\r\n\r\n"});
  Start();
  EXPECT_TRUE(absl::StartsWith(Ask("x:y \xC3\xA9"), "301 "));
  EXPECT_TRUE(absl::StartsWith(Ask("z"), "502 "));
}

TEST_F(FetchProcessTest, CrowdThatWantsAFileThatIsNotThereAsksOnceInAWhile) {
  Start(kFresh);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Ask("none"), "404 there is no such file\n");
  EXPECT_LT(origin_.requests("/pub/none"), 10u);
  origin_.ServeFile("/pub/none", "now");
  EXPECT_TRUE(Eventually([this] { return Ask("none") == "200 \n"; }));
}

TEST_F(FetchProcessTest, OwnFilesAreNeitherAskedForNorReplaced) {
  root_.Write("own", "mine");
  const std::string content = "theirs";
  const std::string head = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", content.size(), "\r\n\r\n");
  origin_.Serve("/pub/own", {.bytes = head, .rest = content});
  origin_.Serve("/pub/new", {.bytes = head, .rest = content});
  Start();
  EXPECT_EQ(Ask("own"), "200 \n");
  EXPECT_EQ(origin_.requests("/pub/own"), 0u);
  Asker asker(fetcher_, "new");
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  root_.Write("new", "mine");
  origin_.Release();
  EXPECT_EQ(asker.Answer(), "200 \n");
  EXPECT_EQ(root_.Read("new"), "mine") << "it came while the other one was under way";
}

TEST_F(FetchProcessTest, FileThatCannotBeKeptIsNotForbidden) {
  root_.Write("file", "mine");
  ASSERT_EQ(::symlink("nowhere", root_.PathOf("link").c_str()), 0);
  origin_.ServeFile("/pub/link", "theirs");
  origin_.ServeFile("/pub/file/a", "theirs");
  Start();
  EXPECT_EQ(Ask("link"), "502 this server cannot keep the file\n");
  EXPECT_EQ(Ask("file/a"), "502 a file or directory of this server is in the way\n");
  EXPECT_EQ(root_.Names(), (Names{"file", "link"}));
}

// A server that does so is wrong, and a copy under the tag of another state would stay for good.
TEST_F(FetchProcessTest, ServerThatTakesOneStateForAnotherIsNotBelieved) {
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 3\r\n\r\none"});
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 304 Not Modified\r\nETag: W/\"1\"\r\n\r\n"});
  EXPECT_EQ(Ask("a"), "200 \n") << "the same, as far as a weak tag tells";
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 304 Not Modified\r\nETag: \"2\"\r\n\r\n"});
  EXPECT_TRUE(absl::StartsWith(Ask("a"), "502 "));
  EXPECT_EQ(root_.Names(), Names());
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo"});
  EXPECT_EQ(Ask("a"), "200 \n");
  EXPECT_FALSE(absl::StrContains(origin_.last_request("/pub/a"), "If-"));
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 304 Not Modified\r\n\r\n"});
  EXPECT_TRUE(absl::StartsWith(Ask("a"), "502 ")) << "it was not asked whether anything has changed";
  EXPECT_EQ(root_.Read("a"), "two");
}

TEST_F(FetchProcessTest, CopyThatIsEditedWhileItIsValidatedBecomesAnOwnFile) {
  origin_.ServeFile("/pub/a", "one");
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  origin_.Serve("/pub/a", {.bytes = "HTTP/1.1 304 Not Modified\r\n", .rest = "\r\n"});
  Asker asker(fetcher_, "a");
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  root_.Write("a", "edited");
  origin_.Release();
  EXPECT_EQ(asker.Answer(), "200 \n");
  EXPECT_EQ(library_->Find("a")->copy, nullptr);
  EXPECT_EQ(root_.Read("a"), "edited");
}

TEST_F(FetchProcessTest, WhatMayNotBeKeptIsRefused) {
  origin_.ServeFile("/pub/secret", "s", "Cache-Control: no-store\r\n");
  origin_.ServeFile("/pub/coded", "s", "Content-Encoding: gzip\r\n");
  origin_.Serve("/pub/locked", {.bytes = "HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n"});
  origin_.Serve("/pub/away", {.bytes = "HTTP/1.1 302 Found\r\nLocation: /pub/else\r\nContent-Length: 0\r\n\r\n"});
  origin_.Serve("/pub/dir", {.bytes = "HTTP/1.1 301 Moved\r\nLocation: /pub/dir/\r\nContent-Length: 0\r\n\r\n"});
  origin_.Serve("/pub/same", {.bytes = "HTTP/1.1 304 Not Modified\r\n\r\n"});
  Start();
  EXPECT_TRUE(absl::StartsWith(Ask("secret"), "502 "));
  EXPECT_TRUE(absl::StartsWith(Ask("coded"), "502 "));
  EXPECT_TRUE(absl::StartsWith(Ask("locked"), "403 "));
  EXPECT_TRUE(absl::StartsWith(Ask("away"), "502 "));
  EXPECT_TRUE(absl::StartsWith(Ask("dir"), "301 "));
  EXPECT_TRUE(absl::StartsWith(Ask("same"), "502 "));
  EXPECT_EQ(root_.Names(), Names());
}
TEST_F(FetchProcessTest, FileWaitsForADirectoryThatAnotherProgramHolds) {
  origin_.ServeFile("/pub/a", "one");
  const UniqueFd directory(::open(root_.path().c_str(), O_RDONLY | O_DIRECTORY));
  ASSERT_EQ(::flock(directory.get(), LOCK_EX), 0);
  Start();
  Asker asker(fetcher_, "a");
  ASSERT_TRUE(Eventually([this] { return origin_.requests("/pub/a") == 1 && origin_.connections() == 0; }));
  EXPECT_EQ(root_.Names(), Names());
  ASSERT_EQ(::flock(directory.get(), LOCK_UN), 0);
  EXPECT_EQ(asker.Answer(), "200 \n");
}

TEST_F(FetchProcessTest, MoreNamesThanConnectionsAreFetchedInTurn) {
  constexpr size_t kMany = 2 * FetchLoop::kMaxFetches;
  for (size_t i = 0; i < kMany; ++i) {
    origin_.Serve(absl::StrCat("/pub/", i), {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", .rest = "ok"});
  }
  Start();
  std::vector<Asker> askers;
  for (size_t i = 0; i < kMany; ++i) askers.emplace_back(fetcher_, absl::StrCat(i));
  ASSERT_TRUE(Eventually([this] { return origin_.held() == FetchLoop::kMaxFetches; }));
  origin_.Release();
  for (Asker& asker : askers) EXPECT_EQ(asker.Answer(), "200 \n");
}

TEST_F(FetchProcessTest, RefreshesForWhichNobodyWaitsTakeNoPlaceInTheQueue) {
  origin_.ServeFile("/pub/old", "one");
  for (size_t i = 0; i < FetchLoop::kMaxFetches; ++i) {
    origin_.Serve(absl::StrCat("/pub/", i), {.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", .rest = "ok"});
  }
  Start();
  EXPECT_EQ(Ask("old"), "200 \n");
  std::vector<Asker> askers;
  for (size_t i = 0; i < FetchLoop::kMaxFetches; ++i) askers.emplace_back(fetcher_, absl::StrCat(i));
  ASSERT_TRUE(Eventually([this] { return origin_.held() == FetchLoop::kMaxFetches; }));
  fetcher_.Refresh("old");
  EXPECT_EQ(Ask(std::string(5000, 'x')), "") << "no name is that long; by its end, the refresh was looked at";
  askers.emplace_back(fetcher_, "behind");
  origin_.Release();
  for (Asker& asker : askers) asker.Answer();
  EXPECT_EQ(origin_.requests("/pub/behind"), 1u);
  EXPECT_EQ(origin_.requests("/pub/old"), 1u);
}

TEST_F(FetchProcessTest, AskersThatLeaveLeaveTheirFlightToOthers) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
  origin_.Serve("/pub/a", {.bytes = head, .rest = "ok"});
  Start(kFresh);
  std::optional<Asker> first(std::in_place, fetcher_, "a");
  ASSERT_TRUE(Eventually([this] { return origin_.held() == 1; }));
  first.reset();
  Asker second(fetcher_, "a");
  origin_.Release();
  EXPECT_EQ(second.Answer(), "200 \n");
  EXPECT_EQ(origin_.requests("/pub/a"), 1u);
}

// As in a storm of clients that boot: the kernel's queue is full before the process has looked at it.
TEST_F(FetchProcessTest, ClientsOfDatagramsForWhomThereIsNoRoomYetAreNotTurnedAway) {
  origin_.ServeFile("/pub/a", "one");
  Start(kFresh);
  ASSERT_EQ(::kill(process_->process().pid(), SIGSTOP), 0);
  std::vector<UniqueFd> crowd;
  absl::StatusOr<UniqueFd> stream = fetcher_.Connect();
  for (; stream.ok(); stream = fetcher_.Connect()) crowd.push_back(*std::move(stream));
  ASSERT_TRUE(absl::IsResourceExhausted(stream.status())) << stream.status();
  crowd.clear();  // The other ends stay in the queue.
  const std::unique_ptr<PolledFetch> fetch = fetcher_.Begin("a");
  EXPECT_FALSE(fetch->Poll().has_value());
  ASSERT_EQ(::kill(process_->process().pid(), SIGCONT), 0);
  ASSERT_TRUE(Eventually([this] { return fetcher_.Connect().ok(); }));
  std::optional<FetchAnswer> answer;
  EXPECT_TRUE(Eventually([&] { return (answer = fetch->Poll()).has_value(); }));
  EXPECT_EQ(answer.value_or(FetchAnswer{0}).code, 200);
}

TEST_F(FetchProcessTest, ClientsOfDatagramsHearThatNothingIsFetched) {
  Start();
  ASSERT_EQ(::kill(process_->process().pid(), SIGKILL), 0);
  ASSERT_TRUE(Eventually([this] { return !process_->process().IsAlive(); }));
  const std::optional<FetchAnswer> answer = fetcher_.Begin("a")->Poll();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->code, 502);
}

TEST_F(FetchProcessTest, SaysNothingOnceItIsGone) {
  Start();
  EXPECT_EQ(::kill(process_->process().pid(), SIGKILL), 0);
  ASSERT_TRUE(Eventually([this] { return !process_->process().IsAlive(); }));
  const absl::Status gone = fetcher_.Connect().status();
  EXPECT_FALSE(gone.ok());
  EXPECT_FALSE(absl::IsResourceExhausted(gone)) << "which would be tried again";
  fetcher_.Refresh("a");
}

}  // namespace
}  // namespace polyserve
