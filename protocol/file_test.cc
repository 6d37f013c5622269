// file: each command whole, cut in any way, and refused.
#include "protocol/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "files/library.h"
#include "gtest/gtest.h"
#include "protocol/output.h"
#include "protocol/recording_fetcher.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMtime = 1'000'000'000;

class FileSessionTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    Reset();
  }

  // The state that every try starts from.
  void Reset() {
    fs::remove_all(root_);
    fs::create_directories(root_ / "sub");
    Put("a", "hello");
    Put("two words", "12345678");
    Put("sub/deep", "deep");
    Put(".hidden", "secret");
  }

  void Put(const std::string& name, const std::string& content) {
    std::ofstream(root_ / name) << content;
    const timespec times[2] = {{kMtime, 0}, {kMtime, 0}};
    ::utimensat(AT_FDCWD, (root_ / name).c_str(), times, 0);
  }

  std::string Content(const std::string& name) {
    std::stringstream text;
    text << std::ifstream(root_ / name).rdbuf();
    return text.str();
  }

  Transcript Talk(absl::string_view input, const Library::Options& options = {}) {
    return TalkInAnyPieces(
        [this, options] {
          Reset();
          return std::make_unique<FileSession>(*Library::Open(root_.string(), options));
        },
        input);
  }

  fs::path root_;
};

TEST_F(FileSessionTest, SaysThatTheServerHasTooMuchToDo) {
  const auto make_session = [this] { return std::make_unique<FileSession>(*Library::Open(root_.string(), {})); };
  EXPECT_EQ(TalkInPieces(make_session, {kServerIsOverloaded}).replies, "ERR 503 the server has too much to do\n");
}

TEST_F(FileSessionTest, ListsTheVisibleFilesByName) {
  EXPECT_EQ(Talk("L\n").replies, "OK 38\na\t5\t1000000000\ntwo words\t8\t1000000000\n");
}

TEST_F(FileSessionTest, ListsAnEmptyLibrary) {
  const Transcript transcript = TalkInAnyPieces(
      [this] {
        fs::remove_all(root_);
        fs::create_directories(root_);
        return std::make_unique<FileSession>(*Library::Open(root_.string(), {}));
      },
      "L\n");
  EXPECT_EQ(transcript.replies, "OK 0\n");
}

TEST_F(FileSessionTest, TellsSizeAndTime) { EXPECT_EQ(Talk("S two words\n").replies, "OK 8 1000000000\n"); }

TEST_F(FileSessionTest, GetsFilesInOrder) {
  EXPECT_EQ(Talk("G a\nG two words\nG sub/deep\nQ\n").replies, "OK 5\nhelloOK 8\n12345678OK 4\ndeep");
}

TEST_F(FileSessionTest, GetsPartsAndLeavesOutWhatIsBehindTheEnd) {
  EXPECT_EQ(Talk("R two words 2 3\nR a 3 100\nR a 5 1\nR a 900 1\nR a 0 9223372036854775807\n").replies,
            "OK 3\n345OK 2\nloOK 0\nOK 0\nOK 5\nhello");
}

// By sha256sum: hello, 2cf24dba5fb0a30e...; nothing, e3b0c44298fc1c14...; ell, 0fd6b7a9eb04a4ee...
TEST_F(FileSessionTest, HashesPartsAndTellsOfHowMuch) {
  EXPECT_EQ(Talk("H a 0 5\nH a 0 100\nH a 5 1\nH a 9 0\n").replies,
            absl::StrCat("OK 5 ", 0x2cf24dba5fb0a30e / 2, "\nOK 5 ", 0x2cf24dba5fb0a30e / 2, "\nOK 0 ",
                         0xe3b0c44298fc1c14 / 2, "\nOK 0 ", 0xe3b0c44298fc1c14 / 2, "\n"));
  Put("large", std::string(2'000'000, 'x'));
  FileSession session(*Library::Open(root_.string(), {}));
  Output output;
  Input input("H large 0 2000000\n");
  session.OnInput(input, output);
  Output result;
  output.TakeWork()(result);
  iovec reply;
  ASSERT_EQ(result.FrontMemory(&reply, 1), 1);
  EXPECT_TRUE(absl::StartsWith({static_cast<const char*>(reply.iov_base), reply.iov_len}, "OK 1048576 "));
  EXPECT_TRUE(absl::StartsWith(Talk("H nothing 0 1\n").replies, "ERR 404 "));
}

TEST_F(FileSessionTest, MakesDirectoriesForWhatIsPut) {
  EXPECT_EQ(Talk("D new\nD new/deep\nD new\nP new/deep/x 2\nhiG new/deep/x\n").replies,
            "OK 0\nOK 0\nOK 0\nOK 0\nOK 2\nhi");
  EXPECT_EQ(Talk("D a\nD none/x\nD .x\nG a\n").replies,
            "ERR 409 a file has this name\nERR 409 the directory is not there\n"
            "ERR 403 hidden files are not served\nOK 5\nhello");
  EXPECT_EQ(Talk("D new\n", {.read_only = true}).replies, "ERR 405 the library is read-only\n");
}

TEST_F(FileSessionTest, PutsAFileAndAnswersOnce) {
  EXPECT_EQ(Talk("P new file 6\nL\nQ\n!\nS a\n").replies, "OK 0\nOK 5 1000000000\n");
  EXPECT_EQ(Content("new file"), "L\nQ\n!\n");
}

TEST_F(FileSessionTest, PutsAnEmptyFile) { EXPECT_EQ(Talk("P empty 0\nG empty\n").replies, "OK 0\nOK 0\n"); }

TEST_F(FileSessionTest, PutReplacesTheWholeFile) { EXPECT_EQ(Talk("P a 2\nhiG a\n").replies, "OK 0\nOK 2\nhi"); }

TEST_F(FileSessionTest, PutThatIsCutShortLeavesTheOldFileAndNothingElse) {
  EXPECT_EQ(Talk("P a 100\nhello wor").replies, "");
  EXPECT_EQ(Content("a"), "hello");
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), fs::directory_iterator()), 4);
}

TEST_F(FileSessionTest, IsIdleOnlyBetweenRequests) {
  FileSession session(*Library::Open(root_.string(), {}));
  EXPECT_TRUE(session.idle());
  Output output;
  Input input("P a 10\n123");
  session.OnInput(input, output);
  EXPECT_FALSE(session.idle());
  Input rest("4567890");
  session.OnInput(rest, output);
  EXPECT_TRUE(session.idle());
}

TEST_F(FileSessionTest, QuitCloses) { EXPECT_TRUE(Talk("Q\nL\n").closed); }

TEST_F(FileSessionTest, RefusesBadNamesAndGoesOn) {
  for (const std::string& name :
       {std::string(".."), std::string("../a"), std::string("sub/../a"), std::string("/etc/passwd"),
        std::string("a\0b", 3), std::string("a//b"), std::string("./a"), std::string("\xff"), std::string("a\tb"),
        std::string("a\xc2\x9b"
                    "b"),
        std::string(5000, 'n'), std::string("")}) {
    EXPECT_TRUE(absl::StartsWith(Talk(absl::StrCat("G ", name, "\n")).replies, "ERR 400 ")) << name;
    EXPECT_TRUE(absl::EndsWith(Talk(absl::StrCat("S ", name, "\nG a\n")).replies, "\nOK 5\nhello")) << name;
  }
}

TEST_F(FileSessionTest, RefusesWhatIsNotServed) {
  EXPECT_TRUE(absl::StartsWith(Talk("G .hidden\n").replies, "ERR 403 "));
  EXPECT_TRUE(absl::StartsWith(Talk("G sub\n").replies, "ERR 403 "));
  EXPECT_TRUE(absl::StartsWith(Talk("G nothing\n").replies, "ERR 404 "));
  EXPECT_TRUE(absl::StartsWith(Talk("G a/b\n").replies, "ERR 404 "));
}

TEST_F(FileSessionTest, RefusesCommandsThatItDoesNotKnowAndGoesOn) {
  for (absl::string_view command :
       {"", "X", "l", "LL", "L ", "G", "R a", "R a 1", "R a x 1", "R a -1 1", "R a 99999999999999999999 1",
        "R a 9223372036854775808 1", "R a 0 99999999999999999999", "H a", "H a 1", "H a 0 99999999999999999999", "D"}) {
    const Transcript transcript = Talk(absl::StrCat(command, "\nG a\n"));
    EXPECT_TRUE(absl::StartsWith(transcript.replies, "ERR 400 ")) << command;
    EXPECT_TRUE(absl::EndsWith(transcript.replies, "\nOK 5\nhello")) << command;
  }
}

TEST_F(FileSessionTest, ClosesAfterAPutThatIsMalformedSinceItsContentIsNoCommands) {
  for (absl::string_view command :
       {"P", "P a", "P a ", "P a x", "P a -1", "P a +4", "P a 4 ", "P a 0x4", "P\ta 4", "p a 4", "PUT a 4"}) {
    const Transcript transcript = Talk(absl::StrCat(command, "\nG a\n"));
    EXPECT_TRUE(absl::StartsWith(transcript.replies, "ERR 400 ")) << command;
    EXPECT_FALSE(absl::StrContains(transcript.replies, "hello")) << command;
    EXPECT_TRUE(transcript.closed) << command;
  }
}

TEST_F(FileSessionTest, ClosesOnWhatABrowserSends) {
  const Transcript transcript =
      Talk("POST / HTTP/1.1\r\nHost: 127.0.0.1:8081\r\nContent-Length: 14\r\n\r\nP new 1\nxG a\n");
  EXPECT_EQ(transcript.replies, "ERR 400 this is no server of HTTP or TLS\n");
  EXPECT_TRUE(transcript.closed);
  EXPECT_FALSE(std::filesystem::exists(root_ / "new"));
  EXPECT_TRUE(Talk("G /a HTTP/1.1\r\n\r\nG a\n").closed);
  EXPECT_TRUE(Talk("\x16\x03\x01...\nG a\n").closed);
}

TEST_F(FileSessionTest, ThrowsTheBodyOfARefusedPutAway) {
  EXPECT_EQ(Talk("P .x 4\nL\nQ\nG a\n").replies, "ERR 403 hidden files are not served\nOK 5\nhello");
  EXPECT_EQ(Talk("P sub 2\nQ\nG a\n").replies, "ERR 409 a directory has this name\nOK 5\nhello");
  EXPECT_EQ(Talk("P none/x 2\nQ\nG a\n").replies, "ERR 409 the directory is not there\nOK 5\nhello");
  EXPECT_EQ(Talk("P a 2\nQ\nG a\n", {.read_only = true}).replies, "ERR 405 the library is read-only\nOK 5\nhello");
  EXPECT_EQ(Talk("P a 6\nQ\nQ\nQ\nG a\n", {.max_file_bytes = 5}).replies,
            "ERR 413 files may have at most 5 bytes\nOK 5\nhello");
}

TEST_F(FileSessionTest, ClosesWhereTooMuchOfARefusedPutIsLeft) {
  const Transcript transcript = Talk("P .x 1048577\nG a\n");
  EXPECT_EQ(transcript.replies, "ERR 403 hidden files are not served\n");
  EXPECT_TRUE(transcript.closed);
}

TEST_F(FileSessionTest, RefusesAtOnceWhatTheDiskCannotHold) {
  const Transcript transcript = Talk("P a 999999999999999999999\n");
  EXPECT_TRUE(absl::StartsWith(transcript.replies, "ERR 507 ")) << transcript.replies;
  EXPECT_TRUE(transcript.closed);
}

TEST_F(FileSessionTest, ClosesAfterALineThatIsTooLong) {
  const Transcript transcript = Talk(std::string(20'000, 'x') + "\nL\n");
  EXPECT_EQ(transcript.replies, "ERR 400 the line is too long\n");
  EXPECT_TRUE(transcript.closed);
  EXPECT_LE(transcript.max_unconsumed, 20'003u);
}

TEST_F(FileSessionTest, ReturnsForBreathWhileMuchIsUnsent) {
  Put("large", std::string(100'000, 'x'));
  FileSession session(*Library::Open(root_.string(), {}));
  Output output;
  Input input("G large\nG large\n");
  session.OnInput(input, output);
  EXPECT_EQ(input.bytes(), "G large\n");
}

// The library lacks files that another server has; the test answers in the place of what fetches them.
class FetchingFileSessionTest : public FileSessionTest {
 protected:
  void SetUp() override {
    FileSessionTest::SetUp();
    session_ = std::make_unique<FileSession>(*Library::Open(root_.string(), {.has_copies = true}), nullptr, nullptr,
                                             std::make_shared<RecordingFetcher>());
  }

  // Passes what is left and these bytes to the session. Returns what it has written.
  std::string Pass(absl::string_view bytes) {
    rest_.append(bytes.data(), bytes.size());
    Input input(rest_);
    if (!rest_.empty()) session_->OnInput(input, output_);
    rest_ = std::string(input.bytes());
    requests_ += output_.TakeCounts().requests;
    return SendAll(output_);
  }
  std::string Answer(absl::string_view line) {
    EXPECT_TRUE(output_.asks());
    output_.Answer(std::string(line));
    return Pass("");
  }

  std::unique_ptr<FileSession> session_;
  std::string rest_;
  Output output_;
  int requests_ = 0;
};

TEST_F(FetchingFileSessionTest, CommandsAboutAFileWaitUntilItIsThere) {
  const std::pair<const char*, const char*> commands[] = {
      {"G new\nS a\n", "OK 6\ntheirsOK 5 1000000000\n"},
      {"S new\n", "OK 6 1000000000\n"},
      {"R new 1 2\n", "OK 2\nhe"},
  };
  int requests = 0;
  for (const auto& [command, reply] : commands) {
    fs::remove(root_ / "new");
    EXPECT_EQ(Pass(command), "");
    ASSERT_TRUE(output_.asks()) << command;
    EXPECT_EQ(output_.asked().question.line, "new");
    Put("new", "theirs");
    EXPECT_EQ(Answer("200 "), reply);
    requests += command[0] == 'G' ? 2 : 1;
    EXPECT_EQ(requests_, requests) << "each counts once";
  }
  fs::remove(root_ / "new");
  EXPECT_EQ(Pass("H new 0 6\n"), "");
  Put("new", "theirs");
  EXPECT_TRUE(absl::StartsWith(Answer("200 "), "OK 6 "));
}

TEST_F(FetchingFileSessionTest, WhyThereIsNoneIsTheAnswerAndTheLineGoesOn) {
  EXPECT_EQ(Pass("G new\nS new\nG a\n"), "");
  EXPECT_EQ(Answer("504 late"), "ERR 504 late\n");
  EXPECT_EQ(Answer("404 none"), "ERR 404 none\nOK 5\nhello");
}

TEST_F(FetchingFileSessionTest, NothingIsSaidOfACopyThatCouldNotBeValidated) {
  const std::shared_ptr<const Library> library = *Library::Open(root_.string(), {.has_copies = true});
  std::unique_ptr<Upload> upload = *library->StartUpload("copy", 4);
  ASSERT_TRUE(upload->Append("copy").ok());
  ASSERT_TRUE(upload->NoteCopy({.fresh_until = 1, .must_validate = true}, std::nullopt).ok());
  ASSERT_TRUE(upload->Commit().ok());
  upload = nullptr;
  for (const char* command : {"G copy\n", "S copy\n"}) {
    EXPECT_EQ(Pass(command), "");
    EXPECT_EQ(Answer("504 late"), "ERR 504 late\n");
  }
}

// As before: that it is there may be told.
TEST_F(FetchingFileSessionTest, OwnFileThatCannotBeReadHasASizeAndATime) {
  fs::permissions(root_ / "a", fs::perms::none);
  const std::string reply = Pass("S a\n");
  fs::permissions(root_ / "a", fs::perms::owner_all);
  EXPECT_EQ(reply, "OK 5 1000000000\n");
}

TEST_F(FetchingFileSessionTest, OtherCommandsWaitForNothing) {
  EXPECT_EQ(Pass("G ../x\n"), "ERR 400 the name must not hold . or .. as a part\n");
  EXPECT_EQ(Pass("R new\n"), "ERR 400 expected: R <name> <offset> <length>\n");
  EXPECT_EQ(Pass("D new\nP new/x 2\nok"), "OK 0\nOK 0\n");
  EXPECT_EQ(Pass("G sub\n"), "ERR 403 the name is a directory's\n");
  EXPECT_FALSE(output_.asks());
}

}  // namespace
}  // namespace polyserve
