// CopyNote: notes on real files.
#include "files/copy_note.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"

namespace polyserve {
namespace {

class CopyNoteTest : public testing::Test {
 protected:
  CopyNoteTest() {
    std::string path = testing::TempDir() + "/copy_note_XXXXXX";
    file_ = UniqueFd(::mkstemp(path.data()));
    EXPECT_TRUE(file_.ok());
    ::unlink(path.c_str());
    EXPECT_EQ(::write(file_.get(), "hello", 5), 5);
  }

  FileStamp Stamp() const {
    struct stat info;
    EXPECT_EQ(::fstat(file_.get(), &info), 0);
    return StampOf(info);
  }
  std::optional<CopyNote> Read() const { return ReadCopyNote(file_.get(), Stamp()); }

  UniqueFd file_;
};

const CopyNote kNote = {.etag = "W/\"a\"",
                        .last_modified = "Sun, 06 Nov 1994 08:49:37 GMT",
                        .fresh_until = 4'000'000'000,
                        .must_validate = true};

TEST_F(CopyNoteTest, IsReadAsItWasWritten) {
  EXPECT_EQ(Read(), std::nullopt);
  ASSERT_TRUE(WriteCopyNote(file_.get(), Stamp(), kNote).ok());
  EXPECT_EQ(Read(), kNote);
  ASSERT_TRUE(WriteCopyNote(file_.get(), Stamp(), CopyNote()).ok());
  EXPECT_EQ(Read(), CopyNote()) << "the later one counts";
}

TEST_F(CopyNoteTest, FileThatWasChangedIsNoCopyAnyMore) {
  ASSERT_TRUE(WriteCopyNote(file_.get(), Stamp(), kNote).ok());
  ASSERT_EQ(::write(file_.get(), "!", 1), 1);
  EXPECT_EQ(Read(), std::nullopt);
}

// As when the other server says that nothing has changed, while somebody edits the copy.
TEST_F(CopyNoteTest, NoteOfAnEarlierStateMakesNoCopyOfAFileThatWasChanged) {
  const FileStamp before = Stamp();
  ASSERT_EQ(::write(file_.get(), "!", 1), 1);
  ASSERT_TRUE(WriteCopyNote(file_.get(), before, kNote).ok());
  EXPECT_EQ(Read(), std::nullopt);
}

// A stamp knows when the file was touched, but the note does not depend on it: the note itself touches the file.
TEST_F(CopyNoteTest, OutlivesAChangeOfTheNameAndTheRights) {
  ASSERT_TRUE(WriteCopyNote(file_.get(), Stamp(), kNote).ok());
  ASSERT_EQ(::fchmod(file_.get(), 0600), 0);
  EXPECT_EQ(Read(), kNote);
}

TEST_F(CopyNoteTest, TextsThatCannotBeKeptAreLeftOut) {
  CopyNote note = kNote;
  note.etag = std::string(CopyNote::kMaxTextBytes + 1, 'x');
  note.last_modified = "two\nlines";
  ASSERT_TRUE(WriteCopyNote(file_.get(), Stamp(), note).ok());
  const std::optional<CopyNote> read = Read();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->etag, "");
  EXPECT_EQ(read->last_modified, "");
  EXPECT_EQ(read->fresh_until, note.fresh_until);
}

TEST_F(CopyNoteTest, WhatElseIsInTheAttributeIsNoNote) {
  for (const std::string text : {"", "1", "2\n5 1 1\n1 0\n\n\n", "1\n\n\n\n\n\n"}) {
    ASSERT_EQ(::fsetxattr(file_.get(), "user.polyserve.copy", text.data(), text.size(), 0), 0);
    EXPECT_EQ(Read(), std::nullopt) << text;
  }
}

// Any program that may write to the file may write its attributes, and this one would be in the heads of replies.
TEST_F(CopyNoteTest, NoteWhoseTagEndsALineIsNone) {
  const FileStamp stamp = Stamp();
  const std::string begin =
      absl::StrCat("1\n", stamp.size, " ", stamp.mtime, " ", stamp.mtime_nanoseconds, "\n4000000000 0\n");
  for (const auto& [tag, is_note] : {std::pair("\"a\"", true), std::pair("\"a\"\rSet-Cookie: b=c", false)}) {
    const std::string text = absl::StrCat(begin, tag, "\n\n");
    ASSERT_EQ(::fsetxattr(file_.get(), "user.polyserve.copy", text.data(), text.size(), 0), 0);
    EXPECT_EQ(Read().has_value(), is_note) << tag;
  }
}

TEST_F(CopyNoteTest, DirectoryThatIsAskedKeepsNothing) {
  const UniqueFd directory(::open(testing::TempDir().c_str(), O_RDONLY | O_DIRECTORY));
  ASSERT_TRUE(CheckCopyNotes(directory.get()).ok());
  EXPECT_LT(::fgetxattr(directory.get(), "user.polyserve.probe", nullptr, 0), 0);
}

TEST(CopyNoteFreshnessTest, EndsAtItsTime) {
  const CopyNote note = {.fresh_until = 100};
  EXPECT_TRUE(note.IsFresh(99));
  EXPECT_FALSE(note.IsFresh(100));
}

}  // namespace
}  // namespace polyserve
