// Download: whole or not at all.
#include "client/download.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
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

  mode_t Mode(const std::string& name) const {
    struct stat info = {};
    EXPECT_EQ(::stat(Path(name).c_str(), &info), 0);
    return info.st_mode & 07777;
  }

  // Fetches "new" in its place.
  void Replace(const std::string& name) const {
    absl::StatusOr<Download> download = Download::Start(Path(name));
    ASSERT_TRUE(download.ok()) << download.status();
    ASSERT_TRUE(download->Append("new").ok());
    ASSERT_TRUE(download->Commit().ok());
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

TEST_F(DownloadTest, FileThatIsReplacedKeepsItsMode) {
  for (const mode_t mode : {0600, 0400, 0640, 0755, 0666}) {
    Write("a", "old");
    ASSERT_EQ(::chmod(Path("a").c_str(), mode), 0);
    Replace("a");
    EXPECT_EQ(Mode("a"), mode);
    EXPECT_EQ(Read("a"), "new");
    std::filesystem::remove(Path("a"));
  }
}

TEST_F(DownloadTest, NewFileHasWhatTheUmaskLeaves) {
  const mode_t before = ::umask(027);
  Replace("a");
  ::umask(before);
  EXPECT_EQ(Mode("a"), 0640u);
}

// Other users must not be able to read a part of a private file's successor.
TEST_F(DownloadTest, PartOfAPrivateFileIsPrivate) {
  Write("a", "old");
  ASSERT_EQ(::chmod(Path("a").c_str(), 0600), 0);
  const absl::StatusOr<Download> download = Download::Start(Path("a"));
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    EXPECT_EQ(Mode(entry.path().filename()), 0600u) << entry;
  }
}

TEST_F(DownloadTest, FileThatIsReplacedKeepsItsOwnerIfTheSystemLetsUs) {
  Write("a", "old");
  if (::chown(Path("a").c_str(), 12345, 23456) != 0) GTEST_SKIP() << "only root gives files away";
  Replace("a");
  struct stat info = {};
  ASSERT_EQ(::stat(Path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 12345u);
  EXPECT_EQ(info.st_gid, 23456u);
}

TEST_F(DownloadTest, WhatWasWrittenCanBeRead) {
  absl::StatusOr<Download> download = Download::Start(Path("a"));
  ASSERT_TRUE(download->WriteAt(3, "def").ok());
  ASSERT_TRUE(download->WriteAt(0, "abc").ok());
  EXPECT_EQ(*download->ReadAt(2, 3), "cde");
  EXPECT_TRUE(absl::IsDataLoss(download->ReadAt(2, 5).status()));
}

TEST_F(DownloadTest, WhatWasLeftIsContinued) {
  Write("a", "old");
  {
    absl::StatusOr<Download> download = Download::Continue(Path("a"));
    ASSERT_TRUE(download.ok()) << download.status();
    EXPECT_EQ(download->size().value(), 0);
    ASSERT_TRUE(download->WriteAt(0, "ne").ok());
    download->SetDate(784111777);
  }
  EXPECT_EQ(Read("a"), "old");
  absl::StatusOr<Download> download = Download::Continue(Path("a"));
  ASSERT_TRUE(download.ok()) << download.status();
  EXPECT_EQ(download->size().value(), 2);
  EXPECT_EQ(download->date().value(), 784111777);
  EXPECT_EQ(download->ReadAt(0, 2).value(), "ne");
  ASSERT_TRUE(download->WriteAt(2, "w").ok());
  ASSERT_TRUE(download->Commit().ok());
  EXPECT_EQ(Read("a"), "new");
  EXPECT_EQ(CountFiles(), 1u);
}

TEST_F(DownloadTest, WhatIsOfNoUseDoesNotStay) {
  { ASSERT_TRUE(Download::Continue(Path("a")).ok()); }
  EXPECT_EQ(CountFiles(), 0u) << "it was empty";
  {
    absl::StatusOr<Download> download = Download::Continue(Path("a"));
    ASSERT_TRUE(download->WriteAt(0, "wrong").ok());
    download->Discard();
  }
  EXPECT_EQ(CountFiles(), 0u);
  absl::StatusOr<Download> download = Download::Continue(Path("a"));
  ASSERT_TRUE(download->WriteAt(0, "wrong").ok());
  ASSERT_TRUE(download->Clear().ok());
  EXPECT_EQ(download->size().value(), 0);
}

TEST_F(DownloadTest, OneProcessContinuesAtATime) {
  const absl::StatusOr<Download> first = Download::Continue(Path("a"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(absl::IsFailedPrecondition(Download::Continue(Path("a")).status()));
  EXPECT_TRUE(Download::Continue(Path("b")).ok());
}

TEST_F(DownloadTest, OnlyAFileOfOnesOwnIsContinued) {
  Write("secret", "keep");
  ASSERT_EQ(::symlink(Path("secret").c_str(), Path(".a.polyserve-part").c_str()), 0);
  EXPECT_FALSE(Download::Continue(Path("a")).ok());
  EXPECT_EQ(Read("secret"), "keep");
  ASSERT_EQ(::mkfifo(Path(".b.polyserve-part").c_str(), 0666), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(Download::Continue(Path("b")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Download::Continue("/dev/null").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Download::Continue(directory_).status()));
}

TEST_F(DownloadTest, PartThatIsContinuedIsAsPrivateAsTheFile) {
  {
    absl::StatusOr<Download> download = Download::Continue(Path("a"));
    ASSERT_TRUE(download->WriteAt(0, "part").ok());
  }
  Write("a", "old");
  ASSERT_EQ(::chmod(Path("a").c_str(), 0600), 0);
  const absl::StatusOr<Download> download = Download::Continue(Path("a"));
  EXPECT_EQ(Mode(".a.polyserve-part"), 0600u);
}

}  // namespace

}  // namespace polyserve
