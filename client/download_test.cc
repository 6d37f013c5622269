// Download: whole or not at all.
#include "client/download.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace polyserve {

namespace {

class DownloadTest : public testing::Test {
 protected:
  DownloadTest() {
    std::string path = testing::TempDir() + "/download_test.XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  ~DownloadTest() override { std::filesystem::remove_all(directory_); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  void Write(const std::string& name, const std::string& content) const { std::ofstream(Path(name)) << content; }

  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Hidden ones included.
  size_t CountFiles() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }

  std::string directory_;
};

TEST_F(DownloadTest, TakesTheNameOnlyWhenWhole) {
  Write("a", "old");
  absl::StatusOr<Download> download = Download::Start(Path("a"));
  ASSERT_TRUE(download.ok()) << download.status();
  EXPECT_TRUE(download->Append("ne").ok());
  EXPECT_TRUE(download->Append("w").ok());
  EXPECT_EQ(Read("a"), "old");
  EXPECT_TRUE(download->Commit().ok());
  EXPECT_EQ(Read("a"), "new");
  EXPECT_EQ(CountFiles(), 1u);
}

TEST_F(DownloadTest, LeavesNothingBehindWhereItFails) {
  Write("a", "old");
  {
    absl::StatusOr<Download> download = Download::Start(Path("a"));
    ASSERT_TRUE(download.ok()) << download.status();
    const Download moved = *std::move(download);
    EXPECT_EQ(CountFiles(), 2u);
  }
  EXPECT_EQ(Read("a"), "old");
  EXPECT_EQ(CountFiles(), 1u);
}

TEST_F(DownloadTest, ReplacesWhatALinkPointsAt) {
  Write("a", "old");
  ASSERT_EQ(::symlink("a", Path("link").c_str()), 0);
  absl::StatusOr<Download> download = Download::Start(Path("link"));
  ASSERT_TRUE(download.ok()) << download.status();
  EXPECT_TRUE(download->Append("new").ok());
  EXPECT_TRUE(download->Commit().ok());
  EXPECT_EQ(Read("a"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link")));
}

TEST_F(DownloadTest, DeviceStaysADevice) {
  absl::StatusOr<Download> download = Download::Start("/dev/null");
  ASSERT_TRUE(download.ok()) << download.status();
  EXPECT_TRUE(download->Append("gone").ok());
  EXPECT_TRUE(download->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

TEST_F(DownloadTest, RefusesWhatCannotBecomeAFile) {
  EXPECT_TRUE(absl::IsFailedPrecondition(Download::Start(directory_).status()));
  EXPECT_TRUE(absl::IsNotFound(Download::Start(Path("missing/a")).status()));
}

}  // namespace

}  // namespace polyserve
