// file-unframed: the course's dialect. Time passes behind each burst of input; within one it may be cut anywhere.
#include "protocol/file_unframed.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "files/library.h"
#include "gtest/gtest.h"
#include "protocol/session.h"
#include "protocol/session_harness.h"

namespace polyserve {
namespace {

namespace fs = std::filesystem;

using Bursts = std::vector<absl::string_view>;
using Pauses = std::vector<size_t>;

class FileUnframedTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    Reset();
  }

  void Reset() {
    fs::remove_all(root_);
    fs::create_directories(root_ / "sub");
    std::ofstream(root_ / "a.txt") << "hello";
    std::ofstream(root_ / "\xe6\x96\x87.txt") << "##";
    std::ofstream(root_ / "no#list") << "x";
    std::ofstream(root_ / ".hidden") << "x";
  }

  std::unique_ptr<Session> MakeSession() {
    Reset();
    return std::make_unique<FileUnframedSession>(*Library::Open(root_.string(), options_));
  }

  Transcript Talk(const Bursts& bursts) {
    return TalkInAnyPieces([this] { return MakeSession(); }, bursts);
  }

  std::string Content(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(root_ / name).rdbuf();
    return text.str();
  }

  fs::path root_;
  Library::Options options_;
};

TEST_F(FileUnframedTest, ListsNamesBehindAPause) {
  const Transcript list = Talk({"L", ""});
  EXPECT_EQ(list.replies, "OKa.txt#\xe6\x96\x87.txt#");
  EXPECT_EQ(list.pauses, Pauses({2}));
}

TEST_F(FileUnframedTest, GetsAFileBetweenPauses) {
  const Transcript get = Talk({"G a.txt", ""});
  EXPECT_EQ(get.replies, "OKhello##");
  EXPECT_EQ(get.pauses, Pauses({2, 7}));
  EXPECT_EQ(Talk({"G \xe6\x96\x87.txt", ""}).replies, "OK####");
}

TEST_F(FileUnframedTest, ClosesOnWhatABrowserSends) {
  const Transcript transcript = Talk({"POST / HTTP/1.1\r\nHost: x\r\n\r\n", "G a.txt"});
  EXPECT_EQ(transcript.replies, "this is no server of HTTP or TLS");
  EXPECT_TRUE(transcript.closed);
}

TEST_F(FileUnframedTest, RefusalsAreTextsInsteadOfOk) {
  EXPECT_EQ(Talk({"G none", "G .hidden", "X"}).replies,
            "there is no such filehidden files are not servedunknown command; there are L, G, P and Q");
  options_.read_only = true;
  const std::string refusal = Talk({"P new", ""}).replies;
  EXPECT_NE(refusal.substr(0, 2), "OK");
  EXPECT_FALSE(refusal.empty());
}

TEST_F(FileUnframedTest, AnEmptyLibraryIsARefusal) {
  const auto make = [this] {
    fs::remove_all(root_);
    fs::create_directories(root_);
    return std::make_unique<FileUnframedSession>(*Library::Open(root_.string(), {}));
  };
  EXPECT_EQ(TalkInAnyPieces(make, Bursts{"L", ""}).replies, "the library is empty");
}

TEST_F(FileUnframedTest, PutEndsWithAMarkBetweenSilences) {
  EXPECT_EQ(Talk({"P new", "some", " content", "##", "G new", "Q"}).replies, "OKOKsome content##");
  EXPECT_EQ(Content("new"), "some content");
}

TEST_F(FileUnframedTest, NextCommandMayFollowTheMarkAtOnce) {
  EXPECT_EQ(Talk({"P new", "content", "##G new"}).replies, "OKOKcontent##");
  EXPECT_EQ(Talk({"P new", "content", "##P other", "more", "##"}).replies, "OKOK");
  EXPECT_EQ(Content("new"), "content");
  EXPECT_EQ(Content("other"), "more");
}

TEST_F(FileUnframedTest, ContentMayBeFullOfMarks) {
  for (absl::string_view content : {"##", "#", "###", "a##", "##a", "a##b", "####", "a#", "##L and more"}) {
    Talk({"P new", content, "##", "L"});
    if (content == "##") continue;  // Is an end itself: see below.
    EXPECT_EQ(Content("new"), content);
  }
}

TEST_F(FileUnframedTest, ContentThatIsTheMarkIsAnEmptyFile) {
  Talk({"P new", "##", ""});
  EXPECT_EQ(Content("new"), "");
  EXPECT_TRUE(fs::exists(root_ / "new"));
}

TEST_F(FileUnframedTest, MarkWhoseSilenceWasSwallowedIsFoundAfterALongerOne) {
  EXPECT_EQ(Talk({"P new", "content##", "", "G new"}).replies, "OKOKcontent##");
  EXPECT_EQ(Talk({"P new", "content####", "", "G new"}).replies, "OKOKcontent####");
}

TEST_F(FileUnframedTest, EndOfInputIsASilence) {
  EXPECT_EQ(Talk({"P new", "content", "##", "G new"}).replies, "OKOKcontent##");
  for (const Bursts& bursts : {Bursts{"P new"}, Bursts{"P new", "content"}, Bursts{"P new", "content", "#"}}) {
    Talk(bursts);
    EXPECT_FALSE(fs::exists(root_ / "new")) << "was cut short";
  }
  const Transcript at_once = TalkInAnyPieces([this] { return MakeSession(); }, "L");
  EXPECT_EQ(at_once.replies, "OKa.txt#\xe6\x96\x87.txt#");
}

TEST_F(FileUnframedTest, LargeContentComesThrough) {
  std::string content;
  for (int i = 0; i < 20'000; ++i) absl::StrAppend(&content, i, i % 7 == 0 ? "##" : "#");
  const Bursts bursts = {"P new", kTimePasses, content, kTimePasses, "##", kTimePasses};
  TalkInPieces([this] { return MakeSession(); }, bursts);
  EXPECT_EQ(Content("new"), content);
}

TEST_F(FileUnframedTest, PutBeyondTheLimitClosesAndLeavesNothing) {
  options_.max_file_bytes = 4;
  const Transcript put = Talk({"P new", "hello", "##"});
  EXPECT_EQ(put.replies, "OK");
  EXPECT_TRUE(put.closed);
  EXPECT_FALSE(fs::exists(root_ / "new"));
}

TEST_F(FileUnframedTest, CommandsAreBounded) {
  const std::string command = "G " + std::string(2000, 'x');
  const Transcript talk = Talk({command, ""});
  EXPECT_EQ(talk.replies, "the command is too long");
  EXPECT_TRUE(talk.closed);
  EXPECT_EQ(talk.max_unconsumed, 0);
}

TEST_F(FileUnframedTest, LineEndsOfATerminalDoNoHarm) {
  EXPECT_EQ(Talk({"G a.txt\n", "G a.txt\r\n", "Q\n"}).replies, "OKhello##OKhello##");
}

}  // namespace
}  // namespace polyserve
