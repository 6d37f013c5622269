// FileFetch: when a session asks for a file, and what it makes of the answer.
#include "protocol/file_fetch.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "files/copy_note.h"
#include "files/library.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/recording_fetcher.h"

namespace polyserve {
namespace {

constexpr int64_t kPast = 1;
constexpr int64_t kFuture = 4'000'000'000;

class FileFetchTest : public testing::Test {
 protected:
  FileFetchTest() {
    const std::string root =
        testing::TempDir() + "/file_fetch_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(root);
    std::filesystem::create_directories(root + "/sub");
    std::ofstream(root + "/own") << "own";
    library_ = *Library::Open(root, {.has_copies = true});
  }

  void StoreCopy(absl::string_view name, const CopyNote& note) {
    std::unique_ptr<Upload> upload = *library_->StartUpload(name, 4);
    ASSERT_TRUE(upload->Append("copy").ok() && upload->NoteCopy(note, std::nullopt).ok() && upload->Commit().ok());
  }

  // As a session does when it is passed a request for this name.
  bool Awaits(absl::string_view name) {
    file_ = library_->Find(name);
    return fetch_.Awaits(name, file_, output_);
  }
  bool AwaitsDirectory(absl::string_view name) {
    file_ = library_->FindFileOrDirectory(name);
    return fetch_.AwaitsFileOrDirectory(name, file_, output_);
  }
  // As a driver does.
  void Answer(const absl::StatusOr<std::string>& line) {
    ASSERT_TRUE(output_.asks());
    asked_.push_back(output_.asked().question.line);
    output_.Answer(line);
    EXPECT_TRUE(output_.empty()) << "the peer's answer is the session's affair";
  }

  std::shared_ptr<const Library> library_;
  std::shared_ptr<RecordingFetcher> fetcher_ = std::make_shared<RecordingFetcher>();
  FileFetch fetch_{fetcher_};
  Output output_;
  absl::StatusOr<Library::File> file_ = absl::UnknownError("not looked");
  std::vector<std::string> asked_;
};

TEST_F(FileFetchTest, OwnFilesAndBadNamesNeedNobody) {
  EXPECT_FALSE(Awaits("own"));
  EXPECT_TRUE(file_.ok());
  EXPECT_FALSE(Awaits("../own"));
  EXPECT_FALSE(Awaits(".hidden"));
  EXPECT_FALSE(Awaits(".well-known/security.txt")) << "which no upload may store either";
  EXPECT_FALSE(Awaits("sub"));
  EXPECT_FALSE(AwaitsDirectory("sub"));
  EXPECT_FALSE(output_.asks());
}

TEST_F(FileFetchTest, FileThatIsNotThereIsAwaitedAndThenFound) {
  ASSERT_TRUE(Awaits("new"));
  StoreCopy("new", {.fresh_until = kFuture});
  Answer("200 ");
  EXPECT_FALSE(Awaits("new"));
  EXPECT_TRUE(file_.ok());
  EXPECT_EQ(asked_, std::vector<std::string>{"new"});
  EXPECT_FALSE(Awaits("new")) << "a fresh copy";
  EXPECT_TRUE(fetcher_->refreshed.empty());
}

TEST_F(FileFetchTest, WhyThereIsNoneIsTheAnswerOnceAndThenItIsAskedAgain) {
  for (const int code : {403, 404, 502, 503, 504, 507}) {
    ASSERT_TRUE(Awaits("new"));
    Answer(absl::StrCat(code, " because"));
    EXPECT_FALSE(Awaits("new"));
    EXPECT_EQ(HttpCode(file_.status()), code);
    EXPECT_EQ(file_.status().message(), "because");
  }
  ASSERT_TRUE(Awaits("new"));
  Answer("what?");
  EXPECT_FALSE(Awaits("new"));
  EXPECT_EQ(HttpCode(file_.status()), 502);
}

TEST_F(FileFetchTest, NameOfADirectoryThereIsOneHere) {
  ASSERT_TRUE(AwaitsDirectory("new"));
  Answer("301 ");
  EXPECT_FALSE(AwaitsDirectory("new"));
  ASSERT_TRUE(file_.ok());
  EXPECT_TRUE(file_->is_directory);
  ASSERT_TRUE(Awaits("new"));
  Answer("301 ");
  EXPECT_FALSE(Awaits("new"));
  EXPECT_EQ(HttpCode(file_.status()), 403);
}

TEST_F(FileFetchTest, StaleCopyIsServedAndRefreshed) {
  StoreCopy("old", {.fresh_until = kPast});
  EXPECT_FALSE(Awaits("old"));
  EXPECT_TRUE(file_.ok());
  EXPECT_EQ(fetcher_->refreshed, std::vector<std::string>{"old"});
}

TEST_F(FileFetchTest, StaleCopyThatMustBeValidatedWaitsAndIsNotServedIfThatFails) {
  StoreCopy("old", {.fresh_until = kPast, .must_validate = true});
  ASSERT_TRUE(Awaits("old"));
  Answer("200 ");
  EXPECT_FALSE(Awaits("old")) << "what was validated just now is good for this request, however stale it is";
  EXPECT_TRUE(file_.ok());
  ASSERT_TRUE(Awaits("old"));
  Answer("504 late");
  EXPECT_FALSE(Awaits("old"));
  EXPECT_EQ(HttpCode(file_.status()), 504);
  EXPECT_TRUE(fetcher_->refreshed.empty());
}

TEST_F(FileFetchTest, CopyThatWasRemovedAtOnceIsNotAskedForWithoutEnd) {
  ASSERT_TRUE(Awaits("new"));
  Answer("200 ");
  EXPECT_FALSE(Awaits("new"));
  EXPECT_EQ(HttpCode(file_.status()), 503);
}

TEST_F(FileFetchTest, AnswerThatItsRequestHasNotUsedIsNotTheNextOnes) {
  ASSERT_TRUE(Awaits("new"));
  Answer("404 there is no such file");
  fetch_.Forget();
  EXPECT_TRUE(Awaits("new"));
}

TEST_F(FileFetchTest, AnswerForAnotherNameIsNoAnswer) {
  ASSERT_TRUE(Awaits("new"));
  Answer("404 there is no such file");
  ASSERT_TRUE(Awaits("other"));
  Answer("404 there is no such file");
  EXPECT_FALSE(Awaits("other"));
}

TEST_F(FileFetchTest, OwnFileThatComesMeanwhileIsServedWhateverTheAnswer) {
  ASSERT_TRUE(Awaits("new"));
  std::unique_ptr<Upload> own = *library_->StartUpload("new", 0);
  ASSERT_TRUE(own->Commit().ok());
  Answer("502 down");
  EXPECT_FALSE(Awaits("new"));
  EXPECT_TRUE(file_.ok());
}

TEST_F(FileFetchTest, FetcherThatIsBusyIsAskedAgainForAWhile) {
  ASSERT_TRUE(Awaits("new"));
  int pauses = 0;
  for (; output_.asks(); ++pauses) {
    Answer(absl::ResourceExhaustedError("full"));
    if (output_.has_work()) output_.TakeWork()(output_);
  }
  EXPECT_EQ(pauses, FileFetch::kMaxPauses);
  EXPECT_FALSE(Awaits("new"));
  EXPECT_EQ(HttpCode(file_.status()), 503);
}

TEST_F(FileFetchTest, FetcherThatIsGoneOrStandsStillIsAnError) {
  ASSERT_TRUE(Awaits("new"));
  Answer(absl::UnavailableError("gone"));
  EXPECT_FALSE(Awaits("new"));
  EXPECT_EQ(HttpCode(file_.status()), 502);
  ASSERT_TRUE(Awaits("new"));
  Answer(absl::DeadlineExceededError("late"));
  EXPECT_FALSE(Awaits("new"));
  EXPECT_EQ(HttpCode(file_.status()), 504);
}

TEST(FetchAnswerTest, IsALine) {
  EXPECT_EQ((FetchAnswer{404, "no such file"}).ToLine(), "404 no such file");
  EXPECT_EQ(FetchAnswer::Parse("404 no such file")->text, "no such file");
  EXPECT_EQ(FetchAnswer::Parse("200 ")->code, 200);
  EXPECT_FALSE(FetchAnswer::Parse("200").has_value());
  EXPECT_FALSE(FetchAnswer::Parse("ok now").has_value());
  EXPECT_EQ((FetchAnswer{502, std::string(1000, 'x')}).ToLine().size(), FetchAnswer::kMaxLineBytes);
}

}  // namespace
}  // namespace polyserve
