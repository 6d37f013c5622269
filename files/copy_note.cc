#include "files/copy_note.h"

#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/sys_error.h"

namespace polyserve {

namespace {

// Any program that may write to the file may write these as well (xattr(7), "user.").
constexpr char kName[] = "user.polyserve.copy";
constexpr char kProbeName[] = "user.polyserve.probe";
constexpr absl::string_view kVersion = "1";

// Each text is a line of the note, and perhaps of a reply's head, which a CR could end as well.
bool IsLine(absl::string_view text) {
  return text.size() <= CopyNote::kMaxTextBytes &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return absl::ascii_iscntrl(c); });
}

absl::string_view Keepable(const std::string& text) { return IsLine(text) ? absl::string_view(text) : ""; }

// Of one state of the content: what a note is about.
std::string StateOf(const FileStamp& stamp) {
  return absl::StrCat(stamp.size, " ", stamp.mtime, " ", stamp.mtime_nanoseconds);
}

}  // namespace

absl::Status WriteCopyNote(int file, const FileStamp& stamp, const CopyNote& note) {
  const std::string text =
      absl::StrCat(kVersion, "\n", StateOf(stamp), "\n", note.fresh_until, " ", note.must_validate ? 1 : 0, "\n",
                   Keepable(note.etag), "\n", Keepable(note.last_modified), "\n");
  if (::fsetxattr(file, kName, text.data(), text.size(), 0) != 0) return SysError("fsetxattr");
  return absl::OkStatus();
}

// One that another version has written, or somebody else, counts as none: the file is then the server's own, which
// loses nobody's data.
std::optional<CopyNote> ReadCopyNote(int file, const FileStamp& stamp) {
  char text[2 * CopyNote::kMaxTextBytes + 256];
  const ssize_t size = ::fgetxattr(file, kName, text, sizeof(text));
  if (size < 0) return std::nullopt;
  const std::vector<absl::string_view> lines = absl::StrSplit(absl::string_view(text, static_cast<size_t>(size)), '\n');
  if (lines.size() != 6 || lines[0] != kVersion || lines[1] != StateOf(stamp)) return std::nullopt;
  if (!IsLine(lines[3]) || !IsLine(lines[4])) return std::nullopt;
  const std::vector<absl::string_view> freshness = absl::StrSplit(lines[2], ' ');
  CopyNote note{std::string(lines[3]), std::string(lines[4])};
  if (freshness.size() != 2 || !absl::SimpleAtoi(freshness[0], &note.fresh_until)) return std::nullopt;
  note.must_validate = freshness[1] == "1";
  return note;
}

absl::Status CheckCopyNotes(int directory) {
  if (::fsetxattr(directory, kProbeName, "", 0, 0) != 0) {
    if (errno != EOPNOTSUPP) return SysError("fsetxattr");
    return absl::UnimplementedError(
        "the file system has no extended attributes for users, in which it is kept what is known of a copy (ext4, xfs, "
        "btrfs have them; tmpfs from Linux 6.6 on)");
  }
  ::fremovexattr(directory, kProbeName);
  return absl::OkStatus();
}

}  // namespace polyserve
