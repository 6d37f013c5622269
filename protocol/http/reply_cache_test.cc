// HttpReplyCache: a reply that is out of date is never found.
#include "protocol/http/reply_cache.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/loop_turn.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

namespace fs = std::filesystem;

class HttpReplyCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    outside_ = root_.string() + "-outside";
    fs::remove_all(root_);
    fs::remove_all(outside_);
    fs::create_directories(root_ / "sub");
    fs::create_directories(outside_);
    Write("a", "hello");
    Write("sub/a", "hello");
    library_ = *Library::Open(root_.string(), {});
  }

  void Write(const std::string& name, absl::string_view content) { std::ofstream(root_ / name) << content; }

  HttpReplyCache::Source Source(const std::string& name) {
    const absl::StatusOr<FileStamp> stamp = library_->Peek(name);
    return {name, stamp.ok() ? std::optional<FileStamp>(*stamp) : std::nullopt};
  }

  // Tries until the files are old enough. The name is the key, too.
  void Keep(const std::string& name, absl::string_view reply, const std::vector<std::string>& others = {}) {
    HttpReplyCache::Sources sources = {Source(name)};
    for (const std::string& other : others) sources.push_back(Source(other));
    while (cache_.Find(*library_, name) == nullptr) {
      cache_.Keep(name, sources, std::make_shared<const std::string>(reply));
    }
  }

  fs::path root_;
  fs::path outside_;  // What is moved there is not beneath the root any more.
  std::shared_ptr<const Library> library_;
  HttpReplyCache cache_;
};

TEST_F(HttpReplyCacheTest, FindsWhatIsKept) {
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr);
  Keep("a", "reply");
  EXPECT_EQ(*cache_.Find(*library_, "a"), "reply");
  EXPECT_EQ(cache_.Find(*library_, "b"), nullptr);
}

TEST_F(HttpReplyCacheTest, FindsNothingOnceTheFileHasChanged) {
  Keep("a", "reply");
  Write("a", "HELLO");
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "in place, to the same size";
  Keep("a", "reply");
  Write("b", "hello");
  fs::rename(root_ / "b", root_ / "a");
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "replaced";
  Keep("a", "reply");
  fs::permissions(root_ / "a", fs::perms::owner_write);
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "not readable any more";
  fs::remove(root_ / "a");
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "removed";
}

// Of requests that a loop has found together, one looks. What the loop itself changes is seen at once.
TEST_F(HttpReplyCacheTest, LooksOnceInATurnUnlessItChangesSomething) {
  Keep("a", "reply");
  {
    const LoopTurn turn;
    EXPECT_NE(cache_.Find(*library_, "a"), nullptr);
    Write("a", "HELLO");
    EXPECT_NE(cache_.Find(*library_, "a"), nullptr) << "the request was there before";
  }
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "outside of turns it always looks";
  Keep("a", "reply");
  const LoopTurn turn;
  EXPECT_NE(cache_.Find(*library_, "a"), nullptr);
  absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload("a", 3);
  ASSERT_TRUE(upload.ok());
  EXPECT_TRUE((*upload)->Append("new").ok());
  EXPECT_TRUE((*upload)->Store(nullptr).ok());
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "its own change";
}

TEST_F(HttpReplyCacheTest, TurnOfAnotherThreadIsAnotherTurn) {
  Keep("a", "reply");
  const LoopTurn turn;
  EXPECT_NE(cache_.Find(*library_, "a"), nullptr);
  Write("a", "HELLO");
  std::thread([this] {
    const LoopTurn other;
    EXPECT_EQ(cache_.Find(*library_, "a"), nullptr);
  }).join();
}

TEST_F(HttpReplyCacheTest, FindsNothingThatWasMovedOutOfTheRoot) {
  Keep("a", "reply");
  Keep("sub/a", "reply");
  fs::rename(root_ / "a", outside_ / "a");
  fs::create_symlink(outside_ / "a", root_ / "a");
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "a file, though a link leads to it";
  fs::rename(root_ / "sub", outside_ / "sub");
  fs::create_symlink(outside_ / "sub", root_ / "sub");
  EXPECT_EQ(cache_.Find(*library_, "sub/a"), nullptr) << "a directory, though a link leads to it";
  fs::rename(outside_ / "a", root_ / "moved");
  fs::remove(root_ / "a");
  fs::create_symlink("moved", root_ / "a");
  Keep("a", "reply");
  EXPECT_NE(cache_.Find(*library_, "a"), nullptr) << "a link within the root";
}

TEST_F(HttpReplyCacheTest, FindsNothingOnceAnotherSourceHasChangedComeOrGone) {
  Write("a.br", "old");
  Keep("a", "reply", {"a.br", "a.gz"});
  EXPECT_EQ(*cache_.Find(*library_, "a"), "reply");
  Write("a.gz", "");
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "has come";
  fs::remove(root_ / "a.gz");
  EXPECT_NE(cache_.Find(*library_, "a"), nullptr);
  Write("a.br", "new");
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "has changed";
  Keep("a", "reply", {"a.br", "a.gz"});
  fs::remove(root_ / "a.br");
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr) << "has gone";
}

TEST_F(HttpReplyCacheTest, DoesNotKeepWhatMayChangeUnseen) {
  Write("a", "young");
  cache_.Keep("a", {Source("a")}, std::make_shared<const std::string>("reply"));
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr);
}

TEST_F(HttpReplyCacheTest, DropsAllWhenThereIsNoRoom) {
  Write("b", "");
  Keep("a", std::string(HttpReplyCache::kMaxBytes / 2 + 1, 'a'));
  Keep("b", std::string(HttpReplyCache::kMaxBytes / 2 + 1, 'b'));
  EXPECT_EQ(cache_.Find(*library_, "a"), nullptr);
  EXPECT_NE(cache_.Find(*library_, "b"), nullptr);
}

}  // namespace
}  // namespace polyserve
