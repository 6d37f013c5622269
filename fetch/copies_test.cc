// The bounds of copies: which of them give way, and when.
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fetch/fetch_fixture.h"
#include "files/library.h"
#include "files/quota.h"
#include "files/root.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

using Names = std::vector<std::string>;
using CopiesTest = FetchFixture;

TEST_F(CopiesTest, CopiesBeyondTheBoundGiveWayTheLongestUnusedFirst) {
  root_.Write("own", "as large as it likes");
  for (const char* name : {"a", "b", "c", "d"}) origin_.ServeFile(absl::StrCat("/pub/", name), "1234");
  Start(kFresh, 10);
  EXPECT_EQ(Ask("a"), "200 \n");
  EXPECT_EQ(Ask("b"), "200 \n");
  EXPECT_EQ(Ask("a"), "200 \n") << "used again";
  EXPECT_EQ(Ask("c"), "200 \n");
  EXPECT_EQ(root_.Names(), (Names{"a", "c", "own"}));
  EXPECT_EQ(Ask("d"), "200 \n");
  EXPECT_EQ(root_.Names(), (Names{"c", "d", "own"}));
}

TEST_F(CopiesTest, CopiesGiveWayIfTheQuotaIsUsedUpBeforeTheirBound) {
  quota_ = std::make_shared<const LibraryQuota>(10, used_, counters_);
  for (const char* name : {"a", "b", "c"}) origin_.ServeFile(absl::StrCat("/pub/", name), "1234");
  origin_.ServeFile("/pub/large", "12345678901");
  Start(kFresh, 100);
  for (const char* name : {"a", "b"}) EXPECT_EQ(Ask(name), "200 \n");
  EXPECT_TRUE(absl::StartsWith(Ask("c"), "507 "));
  EXPECT_EQ(Ask("c"), "200 \n");
  EXPECT_EQ(root_.Names(), (Names{"b", "c"}));
  EXPECT_TRUE(absl::StartsWith(Ask("large"), "507 "));
  EXPECT_EQ(root_.Names(), (Names{"b", "c"})) << "for a file that would not fit anyway, none goes";
}

// As after a SIGHUP, when the link to the root was switched.
TEST_F(CopiesTest, CopiesOfAnotherRootCountFromItsFirstFetchOn) {
  root_.MakeDirectory("one");
  root_.MakeDirectory("two");
  ASSERT_EQ(::symlink("one", root_.PathOf("current").c_str()), 0);
  for (const char* name : {"a", "b", "c"}) {
    origin_.ServeFile(absl::StrCat("/pub/", name), "1234");
    origin_.ServeFile(absl::StrCat("/pub/two/", name), "1234");
  }
  Start();
  EXPECT_EQ(Ask("two/a"), "200 \n");
  AwaitLaterTimeThan("two/a");
  EXPECT_EQ(Ask("two/b"), "200 \n");
  End();
  // For both processes: how often the root was opened, and by which.
  void* const shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* const numbers = static_cast<std::atomic<int64_t>*>(shared);
  std::unique_ptr<Root> root = *Root::Open(root_.PathOf("current"));
  root->Share(numbers[0], numbers[1]);
  library_ = *Library::Create(std::move(root), {.has_copies = true});
  Start(kFresh, 10);
  EXPECT_EQ(Ask("a"), "200 \n");
  ASSERT_EQ(::symlink("two", root_.PathOf("next").c_str()), 0);
  ASSERT_EQ(::rename(root_.PathOf("next").c_str(), root_.PathOf("current").c_str()), 0);
  ASSERT_TRUE(library_->ReopenRoot().ok());
  EXPECT_EQ(Ask("c"), "200 \n");
  EXPECT_EQ(root_.Read("one/a"), "1234");
  EXPECT_EQ(root_.Read("two/a"), "");
  EXPECT_EQ(root_.Read("two/b"), "1234");
  EXPECT_EQ(root_.Read("two/c"), "1234");
  End();
  ::munmap(shared, 4096);
}

TEST_F(CopiesTest, EmptyCopiesGiveWayToo) {
  for (const char* name : {"a", "b", "c"}) origin_.ServeFile(absl::StrCat("/pub/", name), "");
  max_copies_ = 2;
  Start(kFresh, 10);
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(Ask(name), "200 \n");
  EXPECT_EQ(root_.Names(), (Names{"b", "c"}));
}

TEST_F(CopiesTest, CopiesOfAnEarlierServerCountAndOwnFilesDoNot) {
  root_.MakeDirectory("sub");
  origin_.ServeFile("/pub/sub/a", "1234");
  origin_.ServeFile("/pub/b", "1234");
  origin_.ServeFile("/pub/c", "1234");
  Start();
  EXPECT_EQ(Ask("sub/a"), "200 \n");
  AwaitLaterTimeThan("sub/a");
  EXPECT_EQ(Ask("b"), "200 \n");
  root_.Write("own", "as large as it likes");
  End();
  Start(kFresh, 10);
  EXPECT_EQ(Ask("c"), "200 \n");
  EXPECT_EQ(root_.Names(), (Names{"b", "c", "own", "sub"}));
  EXPECT_EQ(root_.Read("sub/a"), "");
}

// Else one copy would count under many names, and links that lead upwards would never end.
TEST_F(CopiesTest, CopiesCountOnceWhateverLinksLeadToThem) {
  for (const char* name : {"a", "b", "c"}) origin_.ServeFile(absl::StrCat("/pub/", name), "1234");
  Start();
  EXPECT_EQ(Ask("a"), "200 \n");
  ASSERT_EQ(::symlink(".", root_.PathOf("up").c_str()), 0);
  ASSERT_EQ(::symlink("a", root_.PathOf("other").c_str()), 0);
  End();
  Start(kFresh, 10);
  EXPECT_EQ(Ask("b"), "200 \n");
  EXPECT_EQ(root_.Names(), (Names{"a", "b", "other", "up"}));
  EXPECT_EQ(Ask("c"), "200 \n");
  EXPECT_EQ(root_.Names(), (Names{"b", "c", "other", "up"}));
}

TEST_F(CopiesTest, FileLargerThanTheBoundIsRefusedWithOrWithoutALength) {
  const std::string content(11, 'x');
  origin_.ServeFile("/pub/long", content);
  origin_.Serve("/pub/chunks", {.bytes = absl::StrCat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n",
                                                      content, "\r\n0\r\n\r\n")});
  Start(kFresh, 10);
  EXPECT_TRUE(absl::StartsWith(Ask("long"), "507 "));
  EXPECT_TRUE(absl::StartsWith(Ask("chunks"), "507 "));
  EXPECT_EQ(root_.Names(), Names());
}

}  // namespace
}  // namespace polyserve
