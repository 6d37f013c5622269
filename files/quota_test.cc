// The quota of a library: what is counted, and that the last bytes are given out once.
#include "files/quota.h"

#include <fcntl.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/bound_counters.h"
#include "base/unique_fd.h"
#include "files/library.h"
#include "gtest/gtest.h"

namespace polyserve {

namespace {

class QuotaTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ / "sub");
    Write("a", 10);
    Write("sub/b", 20);
    std::filesystem::create_symlink(root_ / "a", root_ / "link");
  }
  void Write(const std::string& name, size_t bytes) { std::ofstream(root_ / name) << std::string(bytes, 'x'); }
  void Recount() const { quota_->Recount(UniqueFd(::open(root_.c_str(), O_RDONLY | O_DIRECTORY)).get()); }
  // The status of an upload of this many bytes, whose size is announced if `is_announced`.
  absl::Status Put(absl::string_view name, size_t bytes, bool is_announced = true) const {
    const auto library = Library::Open(root_, {.quota = quota_});
    auto upload = (*library)->StartUpload(name, is_announced ? static_cast<int64_t>(bytes) : 0);
    if (!upload.ok()) return upload.status();
    if (absl::Status status = (*upload)->Append(std::string(bytes, 'x')); !status.ok()) return status;
    return (*upload)->Commit();
  }

  std::filesystem::path root_;
  std::atomic<int64_t> used_{0};
  BoundCounters counters_ = {};
  const std::shared_ptr<const LibraryQuota> quota_ = std::make_shared<const LibraryQuota>(100, used_, counters_);
};

TEST_F(QuotaTest, FilesBeneathTheRootCountAndLinksDoNot) {
  Recount();
  EXPECT_EQ(quota_->used(), 30);
  Write("a", 50);
  std::filesystem::remove(root_ / "sub/b");
  Recount();
  EXPECT_EQ(quota_->used(), 50);
}

TEST_F(QuotaTest, UploadsFitUntilTheQuotaIsReached) {
  Recount();
  EXPECT_TRUE(Put("c", 70).ok());
  EXPECT_EQ(quota_->used(), 100);
  EXPECT_TRUE(absl::IsResourceExhausted(Put("d", 1)));
  EXPECT_TRUE(absl::IsResourceExhausted(Put("d", 1, /*is_announced=*/false)));
  EXPECT_FALSE(std::filesystem::exists(root_ / "d"));
  EXPECT_TRUE(Put("empty", 0).ok());
  EXPECT_EQ(counters_.library_quota, 2);
}

TEST_F(QuotaTest, FileThatIsReplacedMakesRoom) {
  Recount();
  EXPECT_TRUE(Put("c", 70).ok());
  EXPECT_TRUE(Put("c", 60).ok());
  EXPECT_EQ(quota_->used(), 90);
  EXPECT_TRUE(Put("c", 70).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Put("c", 71)));
  EXPECT_EQ(std::filesystem::file_size(root_ / "c"), 70u);
}

TEST_F(QuotaTest, UploadThatDoesNotTakeItsNameCountsNothing) {
  Recount();
  const auto library = Library::Open(root_, {.quota = quota_});
  auto upload = (*library)->StartUpload("c", 40);
  ASSERT_TRUE(upload.ok());
  EXPECT_TRUE((*upload)->Append(std::string(40, 'x')).ok());
  EXPECT_FALSE((*upload)->Store([](const FileStamp*) { return false; }).ok());
  upload->reset();
  EXPECT_EQ(quota_->used(), 30);
}

// A server that is started with too small a quota reads, replaces and takes nothing more.
TEST_F(QuotaTest, WhatIsTooMuchAlreadyStays) {
  Write("huge", 200);
  Recount();
  EXPECT_TRUE(absl::IsResourceExhausted(Put("c", 1)));
  EXPECT_TRUE(Put("huge", 150).ok());
  EXPECT_EQ(quota_->used(), 180);
}

TEST_F(QuotaTest, LastBytesAreGivenOutOnce) {
  constexpr int kThreads = 4;
  std::atomic<int> granted{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) granted += quota_->Add(1) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(granted, 100);
  EXPECT_EQ(quota_->used(), 100);
}

}  // namespace

}  // namespace polyserve
