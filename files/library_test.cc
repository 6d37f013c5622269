// Library: what can be found, listed and stored, and that nothing leads out of the root.
#include "files/library.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "files/copy_note.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

namespace fs = std::filesystem;

class LibraryTest : public testing::Test {
 protected:
  void SetUp() override {
    base_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(base_);
    fs::create_directories(base_ / "root/sub");
    std::ofstream(base_ / "outside") << "secret";
    std::ofstream(base_ / "root/a") << "hello";
    std::ofstream(base_ / "root/sub/deep") << "deep";
    library_ = *Library::Open((base_ / "root").string(), {});
  }

  // What is served of a directory, sorted by name.
  std::vector<Library::Entry> List(absl::string_view name = "") const {
    std::vector<Library::Entry> entries;
    absl::StatusOr<Library::Directory> directory = library_->OpenDirectory(name);
    while (directory.ok() && directory->Read(2, entries).value_or(false)) {
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return entries;
  }

  std::string Content(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(base_ / "root" / name).rdbuf();
    return text.str();
  }

  fs::path base_;
  std::shared_ptr<const Library> library_;
};

TEST_F(LibraryTest, NeedsADirectory) {
  EXPECT_FALSE(Library::Open((base_ / "none").string(), {}).ok());
  EXPECT_FALSE(Library::Open((base_ / "outside").string(), {}).ok());
}

TEST_F(LibraryTest, FindsFilesBelowTheRoot) {
  const absl::StatusOr<Library::File> file = library_->Find("sub/deep");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->size, 4);
  char buffer[8] = "";
  EXPECT_EQ(::read(file->fd->get(), buffer, sizeof(buffer)), 4);
}

TEST_F(LibraryTest, FollowsLinksInsideTheRootOnly) {
  fs::create_symlink("sub/deep", base_ / "root/inside");
  fs::create_symlink("../outside", base_ / "root/relative");
  fs::create_symlink(base_ / "outside", base_ / "root/absolute");
  fs::create_directory_symlink("..", base_ / "root/up");
  fs::create_symlink("around", base_ / "root/around");
  EXPECT_TRUE(library_->Find("inside").ok());
  for (absl::string_view name : {"relative", "absolute", "up/outside", "around"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(library_->Find(name).status()))
        << name << ": " << library_->Find(name).status();
    EXPECT_FALSE(library_->StartUpload(name, 1).ok()) << name;
  }
  const std::vector<Library::Entry> entries = List();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].name, "inside");
  EXPECT_EQ(entries[2].name, "sub");
}

TEST_F(LibraryTest, ServesRegularFilesAlone) {
  ASSERT_EQ(::mkfifo((base_ / "root/fifo").c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(library_->Find("fifo").status())) << "and does not wait for a writer";
  EXPECT_TRUE(absl::IsPermissionDenied(library_->Find("sub").status()));
  EXPECT_TRUE(absl::IsNotFound(library_->Find("none").status()));
  EXPECT_EQ(List().size(), 2u);
}

TEST_F(LibraryTest, StoresAFileUnderItsNameOnlyWhenItIsWhole) {
  absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload("sub/new", 6);
  ASSERT_TRUE(upload.ok()) << upload.status();
  ASSERT_TRUE((*upload)->Append("abc").ok());
  EXPECT_FALSE(library_->Find("sub/new").ok());
  ASSERT_TRUE((*upload)->Append("def").ok());
  ASSERT_TRUE((*upload)->Commit().ok());
  EXPECT_EQ(Content("sub/new"), "abcdef");
}

TEST_F(LibraryTest, LeavesNothingOfAnUploadThatIsGivenUp) {
  {
    absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload("a", 6);
    ASSERT_TRUE(upload.ok());
    ASSERT_TRUE((*upload)->Append("abc").ok());
  }
  EXPECT_EQ(Content("a"), "hello");
  EXPECT_EQ(std::distance(fs::directory_iterator(base_ / "root"), fs::directory_iterator()), 2);
}

TEST_F(LibraryTest, KeepsTheOldFileForThoseWhoReadIt) {
  const absl::StatusOr<Library::File> old = library_->Find("a");
  absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload("a", 3);
  ASSERT_TRUE((*upload)->Append("new").ok());
  ASSERT_TRUE((*upload)->Commit().ok());
  char buffer[8] = "";
  EXPECT_EQ(::pread(old->fd->get(), buffer, sizeof(buffer), 0), 5);
  EXPECT_EQ(Content("a"), "new");
}

TEST_F(LibraryTest, SaysWhyAnUploadCannotBe) {
  EXPECT_TRUE(absl::IsFailedPrecondition(library_->StartUpload("sub", 1).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(library_->StartUpload("none/a", 1).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(library_->StartUpload("b", INT64_MAX).status()));
  EXPECT_EQ(HttpCode((*Library::Open((base_ / "root").string(), {.read_only = true}))->StartUpload("b", 1).status()),
            405);
  EXPECT_EQ(HttpCode((*Library::Open((base_ / "root").string(), {.max_file_bytes = 5}))->StartUpload("b", 6).status()),
            413);
}

TEST_F(LibraryTest, ServesWellKnownNamesButTakesNoneAndListsNone) {
  fs::create_directories(base_ / "root/.well-known/acme-challenge");
  fs::create_directories(base_ / "root/sub/.well-known");
  std::ofstream(base_ / "root/.well-known/acme-challenge/token") << "key";
  std::ofstream(base_ / "root/.well-known/.hidden") << "secret";
  std::ofstream(base_ / "root/sub/.well-known/a") << "secret";
  EXPECT_TRUE(library_->Find(".well-known/acme-challenge/token").ok());
  EXPECT_TRUE(library_->FindFileOrDirectory(".well-known")->is_directory);
  for (absl::string_view name : {".well-known/.hidden", "sub/.well-known/a"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(library_->Find(name).status())) << name;
  }
  for (absl::string_view name : {".well-known/new", ".well-known/acme-challenge/token", ".well-known"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(library_->StartUpload(name, 1).status())) << name;
  }
  EXPECT_EQ(List("").size(), 2u);
  EXPECT_EQ(List("sub").size(), 1u);
  ASSERT_EQ(List(".well-known").size(), 1u);
  EXPECT_EQ(List(".well-known").front().name, "acme-challenge");
}

TEST_F(LibraryTest, ShortageOfDescriptorsIsNotTheFilesFault) {
  rlimit old;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const int next = ::dup(0);
  ::close(next);
  const rlimit none = {static_cast<rlim_t>(next), old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status statuses[] = {library_->Find("a").status(), library_->FindFileOrDirectory("").status(),
                                   library_->OpenDirectory("").status(), library_->StartUpload("new", 1).status()};
  const bool none_is_found = library_->Find(".hidden").ok();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_FALSE(none_is_found);
  for (const absl::Status& status : statuses) {
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_EQ(HttpCode(status), 503);
  }
}

TEST_F(LibraryTest, MakesDirectoriesBeneathTheRootOnly) {
  EXPECT_TRUE(library_->MakeDirectory("sub/new").ok());
  EXPECT_TRUE(library_->MakeDirectory("sub/new").ok()) << "it may be there already";
  EXPECT_TRUE(fs::is_directory(base_ / "root/sub/new"));
  EXPECT_TRUE(absl::IsFailedPrecondition(library_->MakeDirectory("a")));
  EXPECT_TRUE(absl::IsFailedPrecondition(library_->MakeDirectory("none/new")));
  EXPECT_TRUE(absl::IsInvalidArgument(library_->MakeDirectory("../new")));
  EXPECT_TRUE(absl::IsPermissionDenied(library_->MakeDirectory(".new")));
  fs::create_directory_symlink(base_, base_ / "root/out");
  EXPECT_FALSE(library_->MakeDirectory("out/new").ok());
  EXPECT_FALSE(library_->MakeDirectory("out").ok());
  EXPECT_FALSE(fs::exists(base_ / "new"));
  EXPECT_EQ(HttpCode((*Library::Open((base_ / "root").string(), {.read_only = true}))->MakeDirectory("b")), 405);
}

TEST_F(LibraryTest, RefusesToCommitOverADirectoryThatCameMeanwhile) {
  absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload("late", 0);
  fs::create_directory(base_ / "root/late");
  EXPECT_TRUE(absl::IsFailedPrecondition((*upload)->Commit()));
  upload->reset();
  EXPECT_EQ(std::distance(fs::directory_iterator(base_ / "root"), fs::directory_iterator()), 3)
      << "nothing is left aside";
}

TEST_F(LibraryTest, TellsWhetherAFileIsStillTheSame) {
  const absl::StatusOr<Library::File> file = library_->Find("a");
  EXPECT_TRUE(*library_->Peek("a") == *file);
  fs::permissions(base_ / "root/a", fs::perms::none);
  EXPECT_FALSE(*library_->Peek("a") == *file);
  EXPECT_TRUE(absl::IsNotFound(library_->Peek("none").status()));
}

TEST_F(LibraryTest, LooksAtAFileWithoutOpeningIt) {
  fs::permissions(base_ / "root/a", fs::perms::none);
  EXPECT_EQ(library_->Stat("a")->size, 5);
  fs::create_symlink("../outside", base_ / "root/out");
  EXPECT_TRUE(absl::IsPermissionDenied(library_->Stat("out").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(library_->Stat("sub").status()));
  EXPECT_TRUE(absl::IsNotFound(library_->Stat("none").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(library_->Stat("../outside").status()));
  EXPECT_TRUE(library_->HasName("out"));
  EXPECT_FALSE(library_->HasName("none"));
}

TEST_F(LibraryTest, TellsDirectoriesApartWhereAsked) {
  EXPECT_TRUE(library_->FindFileOrDirectory("")->is_directory);
  EXPECT_TRUE(library_->FindFileOrDirectory("sub")->is_directory);
  EXPECT_FALSE(library_->FindFileOrDirectory("sub/deep")->is_directory);
  EXPECT_TRUE(absl::IsInvalidArgument(library_->Find("").status()));
}

TEST_F(LibraryTest, ListsADirectoryWithItsSubdirectories) {
  fs::create_directories(base_ / "root/sub/deeper");
  fs::create_directories(base_ / "root/sub/.hidden");
  fs::create_symlink("../a", base_ / "root/sub/inside");
  fs::create_symlink("../../outside", base_ / "root/sub/leads-out");
  const std::vector<Library::Entry> entries = List("sub");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].name, "deep");
  EXPECT_EQ(entries[1].name, "deeper");
  EXPECT_TRUE(entries[1].is_directory);
  EXPECT_EQ(entries[2].name, "inside");
  EXPECT_EQ(entries[2].size, 5);
  EXPECT_FALSE(entries[1].is_link);
  EXPECT_TRUE(entries[2].is_link);
  EXPECT_TRUE(absl::IsNotFound(library_->OpenDirectory("a").status()));
  EXPECT_TRUE(absl::IsNotFound(library_->OpenDirectory("none").status()));
}

TEST_F(LibraryTest, TellsWhetherAStoredFileIsNew) {
  for (const Upload::Stored expected : {Upload::Stored::kNew, Upload::Stored::kReplaced}) {
    absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload("new", 3);
    ASSERT_TRUE((*upload)->Append("new").ok());
    const absl::StatusOr<Upload::Stored> stored = (*upload)->Store(nullptr);
    ASSERT_TRUE(stored.ok()) << stored.status();
    EXPECT_EQ(*stored, expected);
    EXPECT_EQ((*upload)->Stamp()->inode, library_->Find("new")->inode);
    EXPECT_EQ((*upload)->Stamp()->size, 3);
  }
}

TEST_F(LibraryTest, StoresUnderAConditionOfWhatHasTheName) {
  absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload("a", 0);
  EXPECT_TRUE(absl::IsAlreadyExists((*upload)->Store([](const FileStamp* old) { return old == nullptr; }).status()));
  EXPECT_EQ(Content("a"), "hello");
  const FileStamp before = *library_->Stat("a");
  EXPECT_TRUE((*upload)->Store([&](const FileStamp* old) { return old != nullptr && *old == before; }).ok());
  EXPECT_EQ(Content("a"), "");
  upload = library_->StartUpload("b", 0);
  EXPECT_EQ(*(*upload)->Store([](const FileStamp* old) { return old == nullptr; }), Upload::Stored::kNew);
}

TEST_F(LibraryTest, AsksAgainWhereANameIsTakenWithoutTheLock) {
  absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload("b", 0);
  const auto is_free = [this](const FileStamp* old) {
    if (old == nullptr) std::ofstream(base_ / "root/b") << "theirs";
    return old == nullptr;
  };
  EXPECT_TRUE(absl::IsAlreadyExists((*upload)->Store(is_free).status()));
  EXPECT_EQ(Content("b"), "theirs");
}

TEST_F(LibraryTest, StoresOneUploadAtATimeIntoADirectory) {
  absl::StatusOr<std::unique_ptr<Upload>> first = library_->StartUpload("a", 0);
  absl::StatusOr<std::unique_ptr<Upload>> second = library_->StartUpload("b", 0);
  absl::StatusOr<std::unique_ptr<Upload>> elsewhere = library_->StartUpload("sub/b", 0);
  EXPECT_TRUE((*first)->Commit().ok());
  EXPECT_TRUE(absl::IsUnavailable((*second)->Commit()));
  EXPECT_TRUE((*elsewhere)->Commit().ok());
  first->reset();
  EXPECT_TRUE((*second)->Commit().ok());
}

class LibraryOfCopiesTest : public LibraryTest {
 protected:
  void SetUp() override {
    LibraryTest::SetUp();
    library_ = library_->With({.has_copies = true});
  }

  // Stores this as a copy, last changed at `mtime`.
  void StoreCopy(absl::string_view name, absl::string_view content, std::optional<int64_t> mtime = std::nullopt) {
    std::unique_ptr<Upload> upload = *library_->StartUpload(name, static_cast<int64_t>(content.size()));
    ASSERT_TRUE(upload->Append(content).ok());
    ASSERT_TRUE(upload->NoteCopy({.etag = "\"1\""}, mtime).ok());
    ASSERT_TRUE(upload->Commit().ok());
  }
};

TEST_F(LibraryOfCopiesTest, CopyIsFoundWithWhatIsKnownOfIt) {
  StoreCopy("copy", "hello", 784111777);
  const Library::File file = *library_->Find("copy");
  ASSERT_NE(file.copy, nullptr);
  EXPECT_EQ(file.copy->etag, "\"1\"");
  EXPECT_EQ(file.mtime, 784111777);
  EXPECT_EQ(library_->Find("a")->copy, nullptr);
  EXPECT_EQ(library_->FindFileOrDirectory("sub")->copy, nullptr);
  EXPECT_EQ(library_->With({})->Find("copy")->copy, nullptr) << "a library without copies does not look";
}

TEST_F(LibraryOfCopiesTest, FileThatTakesTheNameIsNoCopy) {
  StoreCopy("copy", "hello");
  std::unique_ptr<Upload> own = *library_->StartUpload("copy", 5);
  ASSERT_TRUE(own->Append("world").ok());
  ASSERT_TRUE(own->Commit().ok());
  EXPECT_EQ(library_->Find("copy")->copy, nullptr);
}

TEST_F(LibraryOfCopiesTest, CopiesAloneCanBeRemoved) {
  StoreCopy("sub/copy", "hello");
  const Library::File open = *library_->Find("sub/copy");
  EXPECT_TRUE(library_->RemoveCopy("sub/copy").ok());
  EXPECT_TRUE(absl::IsNotFound(library_->Find("sub/copy").status()));
  char content[5];
  EXPECT_EQ(::pread(open.fd->get(), content, sizeof(content), 0), 5) << "who has it open goes on with it";
  EXPECT_TRUE(absl::IsNotFound(library_->RemoveCopy("sub/copy")));
  EXPECT_TRUE(absl::IsFailedPrecondition(library_->RemoveCopy("a")));
  EXPECT_TRUE(absl::IsFailedPrecondition(library_->RemoveCopy("sub")));
  EXPECT_FALSE(library_->RemoveCopy("../outside").ok());
  EXPECT_EQ(Content("a"), "hello");
}

TEST_F(LibraryOfCopiesTest, NothingIsRemovedWhileAnUploadTakesItsName) {
  StoreCopy("copy", "hello");
  const UniqueFd directory(::open((base_ / "root").c_str(), O_RDONLY | O_DIRECTORY));
  ASSERT_EQ(::flock(directory.get(), LOCK_EX), 0);
  EXPECT_TRUE(absl::IsUnavailable(library_->RemoveCopy("copy")));
  EXPECT_EQ(Content("copy"), "hello");
}

}  // namespace
}  // namespace polyserve
