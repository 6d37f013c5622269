// HttpReplyCache: nothing is found that is out of date.
#include "protocol/http_reply_cache.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

namespace fs = std::filesystem;

class HttpReplyCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    fs::create_directories(root_);
    Write("a", "hello");
    library_ = *Library::Open(root_.string(), {});
  }

  void Write(const std::string& name, absl::string_view content) { std::ofstream(root_ / name) << content; }

  // Tries until the file is old enough.
  void Keep(absl::string_view name, absl::string_view reply) {
    const FileStamp stamp = *library_->Find(name);
    while (cache_.Find(*library_, name) == nullptr) {
      cache_.Keep(name, stamp, std::make_shared<const std::string>(reply));
    }
  }

  fs::path root_;
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

TEST_F(HttpReplyCacheTest, DoesNotKeepWhatMayChangeUnseen) {
  Write("a", "young");
  cache_.Keep("a", *library_->Find("a"), std::make_shared<const std::string>("reply"));
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
