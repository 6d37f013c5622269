#include "protocol/file_unframed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "access/auth_file.h"
#include "files/listing.h"
#include "protocol/make_listing.h"
#include "protocol/other_protocol.h"
#include "protocol/store_upload.h"

namespace polyserve {

namespace {

// Any file may hold these two bytes, so silence has to tell the mark from content; most of this file is about that.
constexpr absl::string_view kEndMark = "##";

void WriteError(absl::string_view why, Output& output) {
  output.CountError();
  output.Write(why);
}

// A text without a line end, as one types it into nc(1), is as good as one with it. Clients of the course send none.
absl::string_view StripLineEnd(absl::string_view text) {
  absl::ConsumeSuffix(&text, "\n");
  absl::ConsumeSuffix(&text, "\r");
  return text;
}

bool IsCommand(absl::string_view text) {
  text = StripLineEnd(text);
  return text == "L" || text == "Q" ||
         (text.size() > 2 && (absl::StartsWith(text, "G ") || absl::StartsWith(text, "P ")));
}

// Whether this, or this with more behind it, may be the mark and a command behind it. The first test also holds if the
// text is shorter than the mark: then it is a beginning of it.
bool MayBeTheEnd(absl::string_view text) {
  return absl::StartsWith(text, kEndMark.substr(0, text.size())) &&
         text.size() <= kEndMark.size() + FileUnframedSession::kMaxCommandBytes;
}

// Whether it is the mark, with nothing or a whole command behind it.
bool IsTheEnd(absl::string_view text) {
  return absl::ConsumePrefix(&text, kEndMark) && (text.empty() || IsCommand(text));
}

}  // namespace

FileUnframedSession::FileUnframedSession(std::shared_ptr<const Library> library, std::shared_ptr<const Access> access)
    : library_(std::move(library)), access_(std::move(access)) {}
FileUnframedSession::~FileUnframedSession() = default;

// Nothing is decided on arrival: the timer is set anew by every read, and OnTime() decides once it has been quiet for
// kMoment. One byte more than a command may have is kept, to know that it is too long.
void FileUnframedSession::OnInput(Input& input, Output& output) {
  if (upload_ != nullptr) {
    TakeContent(input.bytes(), output);
  } else {
    absl::StrAppend(&pending_, input.bytes().substr(0, kMaxCommandBytes + 1));
  }
  input.ConsumeAll();
  if (upload_ == nullptr && pending_.size() > kMaxCommandBytes) {
    WriteError("the command is too long", output);
    output.Close();
  }
  if (!output.closing()) output.SetTimer(kMoment);
}

void FileUnframedSession::OnTime(Output& output) {
  if (upload_ != nullptr) return OnSilence(output);
  const std::string command = std::exchange(pending_, "");
  if (!command.empty()) OnCommand(StripLineEnd(command), output);
}

// The end of the input is the surest silence: no more can follow. An upload whose mark has not come by then is cut
// short, and dropped. A command that is still in pending_ was complete as well: its silence has just come.
void FileUnframedSession::OnEndOfInput(Output& output) {
  if (upload_ != nullptr && pending_.empty() && tail_ == kEndMark) {
    FinishPut("", output);
  } else if (upload_ == nullptr || IsTheEnd(pending_)) {
    OnTime(output);
  }
  upload_ = nullptr;
  if (output.wants_more()) output.Close();
}

// Of an HTTP request the first line is enough: what came with it in one burst is still in the command.
void FileUnframedSession::OnCommand(absl::string_view command, Output& output) {
  output.CountRequest();
  if (IsOfOtherProtocol(StripLineEnd(command.substr(0, command.find('\n'))))) {
    WriteError(kOtherProtocolReason, output);
    return output.Close();
  }
  if (!IsAllowed(command)) return WriteError("this needs a password, and this dialect has none", output);
  if (command == "L") return List(output);
  if (command == "Q") return output.Close();
  if (absl::ConsumePrefix(&command, "G ")) return Get(command, output);
  if (absl::ConsumePrefix(&command, "P ")) return StartPut(command, output);
  WriteError("unknown command; there are L, G, P and Q", output);
}

bool FileUnframedSession::IsAllowed(absl::string_view command) const {
  if (command == "L") return MayEveryone(access_.get(), Right::kRead);
  if (absl::ConsumePrefix(&command, "G ")) return MayEveryone(access_.get(), Right::kRead, command);
  return !absl::ConsumePrefix(&command, "P ") || MayEveryone(access_.get(), Right::kWrite, command);
}

// An empty list cannot be told from a list that is still to come, so the reply says so in words. The names leave in a
// task behind the pause: a client reads "OK" by itself.
void FileUnframedSession::List(Output& output) {
  const auto format = [](const Library::Entry& entry, std::string& names) {
    if (!entry.is_directory && !absl::StrContains(entry.name, '#')) absl::StrAppend(&names, entry.name, "#");
  };
  const auto reply = [](const absl::StatusOr<std::shared_ptr<const Listing>>& listing, Output& result) {
    if (!listing.ok()) return WriteError(listing.status().message(), result);
    if ((*listing)->size() == 0) return WriteError("the library is empty", result);
    result.Write("OK");
    result.Pause(kPause, [listing = *listing](Output& names) { WriteListing(*listing, names); });
  };
  MakeListing(library_, "", {}, format, reply, output);
}

// OK, content and mark leave in three separate segments, with an acknowledged pause between each two. The file is open
// from the first of them on, and has the size that it had then.
void FileUnframedSession::Get(absl::string_view name, Output& output) {
  absl::StatusOr<Library::File> file = library_->Find(name);
  if (!file.ok()) return WriteError(file.status().message(), output);
  output.Write("OK");
  output.Pause(kPause, [file = *std::move(file)](Output& content) {
    content.WriteFile(file.fd, 0, file.size);
    content.Pause(kPause, [](Output& end) { end.Write(kEndMark); });
  });
}

// No size is announced, so nothing can be refused for it; Store() counts instead.
void FileUnframedSession::StartPut(absl::string_view name, Output& output) {
  absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload(name, 0);
  if (!upload.ok()) return WriteError(upload.status().message(), output);
  upload_ = *std::move(upload);
  stored_bytes_ = 0;
  // The first bytes of the content may be the mark already: an empty file.
  after_silence_ = true;
  output.Write("OK");
}

// After a silence, bytes that may be the end mark are held back in pending_ until it is clear what they are: as soon as
// they cannot become the mark and a command, they are content. At most kMaxCommandBytes and the mark are held.
void FileUnframedSession::TakeContent(absl::string_view bytes, Output& output) {
  if (after_silence_) {
    // One byte more than can be the mark and a command, so that MayBeTheEnd() refuses what is longer. The room is at
    // least 1: what is in pending_ has passed MayBeTheEnd().
    const size_t room = kEndMark.size() + kMaxCommandBytes + 1 - pending_.size();
    absl::StrAppend(&pending_, bytes.substr(0, room));
    bytes.remove_prefix(std::min(room, bytes.size()));
    if (MayBeTheEnd(pending_)) return;
    after_silence_ = false;
    StoreButTail(std::exchange(pending_, ""), output);
    if (upload_ == nullptr) return;
  }
  StoreButTail(bytes, output);
}

// Three cases: a whole mark between two silences ends the file; a mark at the end of the content, with no silence
// before but a long one behind it, ends it too; anything else was a pause of the network within the content.
void FileUnframedSession::OnSilence(Output& output) {
  if (IsTheEnd(pending_)) {
    std::string command(StripLineEnd(absl::string_view(pending_).substr(kEndMark.size())));
    FinishPut(tail_, output);
    if (command.empty() || output.closing()) return;
    // OnCommand() appends to the output, which nothing may do behind a pause.
    if (output.wants_more()) return OnCommand(command, output);
    pending_ = std::move(command);  // The file waits for its turn to be stored.
    output.SetTimer(kMoment);
  } else if (after_silence_ && pending_.empty()) {
    // The silence before the mark was swallowed, but the one behind it was long.
    if (tail_ == kEndMark) FinishPut("", output);
  } else {
    after_silence_ = true;
    StoreButTail(std::exchange(pending_, ""), output);
    if (upload_ != nullptr && tail_ == kEndMark) output.SetTimer(kLongMoment);
  }
}

// There is no reply to tell of a failure, so the connection closes. The course's client never learns of success either.
void FileUnframedSession::FinishPut(absl::string_view last_content, Output& output) {
  if (!Store(last_content, output)) return;
  tail_.clear();
  pending_.clear();
  StoreUpload(
      std::move(upload_), nullptr,
      [](const absl::StatusOr<Upload::Stored>& stored, const Upload&, Output& end) {
        if (!stored.ok()) end.Close();
      },
      output);
}

// Stores the bytes, and the tail before them, but keeps the '#'s at their end, at most two, as the new tail: they may
// be the mark, which is no part of the file. If nothing but '#'s has come, the tail grows, and what exceeds two is
// content.
void FileUnframedSession::StoreButTail(absl::string_view bytes, Output& output) {
  const size_t last = bytes.find_last_not_of('#');
  const size_t marks = bytes.size() - (last == absl::string_view::npos ? 0 : last + 1);
  if (marks == bytes.size()) {
    tail_.append(bytes.data(), bytes.size());
    const size_t excess = tail_.size() - std::min(tail_.size(), kEndMark.size());
    if (Store(absl::string_view(tail_).substr(0, excess), output)) tail_.erase(0, excess);
    return;
  }
  const size_t keep = std::min(marks, kEndMark.size());
  if (!Store(tail_, output) || !Store(bytes.substr(0, bytes.size() - keep), output)) return;
  tail_.assign(keep, '#');
}

// False if the upload has failed: it is dropped, and the conversation ends. The limit is checked here, since the
// library knows only what StartPut() has announced: nothing.
bool FileUnframedSession::Store(absl::string_view bytes, Output& output) {
  stored_bytes_ += static_cast<int64_t>(bytes.size());
  if (stored_bytes_ <= library_->options().max_file_bytes && upload_->Append(bytes).ok()) return true;
  upload_ = nullptr;
  tail_.clear();
  pending_.clear();
  output.Close();
  return false;
}

}  // namespace polyserve
