// Listing: the same text whatever the size of the directory, in steps that are short.
#include "files/listing.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

namespace fs = std::filesystem;

class ListingTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    fs::create_directories(root_);
    library_ = *Library::Open(root_.string(), {});
  }
  void TearDown() override { fs::remove_all(root_); }

  // Makes this many files, in no order; returns what a listing says of them.
  std::string Fill(int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.push_back(absl::StrCat("file ", (int64_t{i} * 7919) % count));
    for (const std::string& name : names) std::ofstream(root_ / name);
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names) absl::StrAppend(&text, name, " 0\n");
    return text;
  }

  static std::string TextOf(const Listing& listing) {
    if (listing.file() == nullptr) return listing.text();
    std::string text(static_cast<size_t>(listing.size()), '\0');
    EXPECT_EQ(::pread(listing.file()->get(), text.data(), text.size(), 0), listing.size());
    return text;
  }

  std::unique_ptr<Listing> Start() {
    return *Listing::Start(*library_, "", [](const Library::Entry& entry, std::string& text) {
      absl::StrAppend(&text, entry.name, entry.is_directory ? "/" : "", " ", entry.size, "\n");
    });
  }

  // Does all steps, and counts them.
  static int Finish(Listing& listing) {
    int steps = 1;
    for (absl::StatusOr<bool> over = false; !(over = listing.Step()).value_or(true); ++steps) {
    }
    return steps;
  }

  fs::path root_;
  std::shared_ptr<const Library> library_;
};

TEST_F(ListingTest, EmptyDirectoryHasNoText) {
  const std::unique_ptr<Listing> listing = Start();
  Finish(*listing);
  EXPECT_EQ(listing->size(), 0);
  EXPECT_EQ(listing->file(), nullptr);
}

TEST_F(ListingTest, IsSortedAsAsked) {
  const auto list = [this](ListingOrder order) {
    const auto format = [](const Library::Entry& entry, std::string& text) { absl::StrAppend(&text, entry.name, " "); };
    const std::unique_ptr<Listing> listing = *Listing::Start(*library_, "", format, order);
    Finish(*listing);
    return TextOf(*listing);
  };
  fs::create_directory(root_ / "d");
  std::ofstream(root_ / "b") << "12345";
  std::ofstream(root_ / "c") << "123";
  std::ofstream(root_ / "a") << "123";
  const fs::file_time_type now = fs::last_write_time(root_ / "a");
  fs::last_write_time(root_ / "a", now - std::chrono::hours(1));
  fs::last_write_time(root_ / "b", now - std::chrono::hours(3));
  fs::last_write_time(root_ / "c", now - std::chrono::hours(2));
  fs::last_write_time(root_ / "d", now - std::chrono::hours(4));
  using By = ListingOrder::By;
  EXPECT_EQ(list({}), "a b c d ");
  EXPECT_EQ(list({By::kName, true}), "d c b a ");
  EXPECT_EQ(list({By::kSize, false}), "d a c b ") << "equals by name; directories have no size";
  EXPECT_EQ(list({By::kSize, true}), "b a c d ");
  EXPECT_EQ(list({By::kDate, false}), "d b c a ");
  EXPECT_EQ(list({By::kDate, true}), "a c b d ");
}

TEST_F(ListingTest, SmallDirectoryStaysInMemory) {
  const std::string text = Fill(100);
  const std::unique_ptr<Listing> listing = Start();
  Finish(*listing);
  EXPECT_EQ(TextOf(*listing), text);
  EXPECT_EQ(listing->file(), nullptr);
}

TEST_F(ListingTest, LargeDirectoryIsSortedInAFileByManyShortSteps) {
  constexpr int kFiles = 6000;
  const std::string text = Fill(kFiles);
  const std::unique_ptr<Listing> listing = Start();
  EXPECT_GE(Finish(*listing), 2 * kFiles / Listing::kNamesPerStep);
  EXPECT_NE(listing->file(), nullptr);
  EXPECT_EQ(listing->size(), static_cast<int64_t>(text.size()));
  EXPECT_TRUE(TextOf(*listing) == text);
}

TEST_F(ListingTest, LongNamesAreMergedAsWell) {
  std::string text;
  for (int i = 1000; i < 3000; ++i) {
    const std::string name = absl::StrCat(i, std::string(251, 'x'));
    std::ofstream(root_ / name) << "1";
    absl::StrAppend(&text, name, " 1\n");
  }
  const std::unique_ptr<Listing> listing = Start();
  Finish(*listing);
  EXPECT_TRUE(TextOf(*listing) == text);
}

TEST_F(ListingTest, ShowsDirectoriesAndLinksWithinButNothingElse) {
  fs::create_directory(root_ / "directory");
  fs::create_symlink("directory", root_ / "inside");
  fs::create_symlink("/etc/hostname", root_ / "outside");
  fs::create_symlink("none", root_ / "nowhere");
  std::ofstream(root_ / ".hidden") << "";
  std::ofstream(root_ / "line\nend") << "";
  ASSERT_EQ(::mkfifo((root_ / "fifo").c_str(), 0600), 0);
  const std::unique_ptr<Listing> listing =
      *Listing::Start(*library_, "", [](const Library::Entry& entry, std::string& text) {
        absl::StrAppend(&text, entry.name, entry.is_directory ? "/" : "", "\n");
      });
  Finish(*listing);
  EXPECT_EQ(TextOf(*listing), "directory/\ninside/\n");
}

TEST_F(ListingTest, TellsWhatIsNoDirectory) {
  std::ofstream(root_ / "file") << "";
  for (absl::string_view name : {"file", "none"}) {
    EXPECT_TRUE(absl::IsNotFound(Listing::Start(*library_, name, nullptr).status())) << name;
  }
}

}  // namespace
}  // namespace polyserve
