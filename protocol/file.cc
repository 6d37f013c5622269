#include "protocol/file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "access/auth_file.h"
#include "base/content_hash.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "files/listing.h"
#include "protocol/make_listing.h"
#include "protocol/other_protocol.h"
#include "protocol/store_upload.h"

namespace polyserve {

namespace {

// The message is one line, and repeats nothing of what the peer has sent: so it cannot be made to look like another
// reply.
void WriteError(int code, absl::string_view why, Output& output) {
  output.CountError();
  output.Write(absl::StrCat("ERR ", code, " ", why, "\n"));
}

// The library has no use for this status, which stands for a command above the rate (RFC 6585, section 4).
absl::Status TooManyCommands() { return absl::CancelledError("too many commands from this address"); }

void WriteError(const absl::Status& error, Output& output) {
  WriteError(absl::IsCancelled(error) ? 429 : HttpCode(error), error.message(), output);
}

// For faults after which the session cannot tell where the next command begins: content of an unknown size may follow,
// and must not be taken for commands.
void RefuseAndClose(absl::string_view why, Output& output) {
  WriteError(absl::InvalidArgumentError(why), output);
  output.Close();
}

// Whether a line that is no command may be a misspelt P, which content follows.
bool MayAnnounceContent(absl::string_view line) { return absl::StartsWithIgnoreCase(line, "P"); }

// Takes the number behind the last space off the arguments; nothing if there is none. A number of more than 64 bits is
// as good as the largest of them, which is larger than any size can be.
std::optional<uint64_t> TakeLastNumber(absl::string_view& arguments) {
  const size_t space = arguments.rfind(' ');
  if (space == absl::string_view::npos || space + 1 == arguments.size()) return std::nullopt;
  const absl::string_view digits = arguments.substr(space + 1);
  // SimpleAtoi alone would also take signs and blanks.
  if (!std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) return std::nullopt;
  uint64_t number = 0;
  if (!absl::SimpleAtoi(digits, &number)) number = UINT64_MAX;
  arguments = arguments.substr(0, space);
  return number;
}

// The file or directory that a command is about; "" for the root.
absl::string_view NameOf(char command, absl::string_view arguments) {
  const int numbers = command == 'R' || command == 'H' ? 2 : command == 'P' ? 1 : 0;
  for (int i = 0; i < numbers; ++i) TakeLastNumber(arguments);
  return arguments;
}

// "<name> <offset> <length>", in bytes.
struct PartName {
  absl::string_view name;
  int64_t offset;
  int64_t length;
};

absl::StatusOr<PartName> ParsePart(char command, absl::string_view arguments) {
  // From behind: a name may hold spaces and digits, so the numbers are found only from the end.
  const std::optional<uint64_t> length = TakeLastNumber(arguments);
  const std::optional<uint64_t> offset = TakeLastNumber(arguments);
  if (std::max(offset.value_or(UINT64_MAX), length.value_or(UINT64_MAX)) > INT64_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected: ", absl::string_view(&command, 1), " <name> <offset> <length>"));
  }
  return PartName{arguments, static_cast<int64_t>(*offset), static_cast<int64_t>(*length)};
}

// A part of an open file, cut off at its end. One behind the end is empty, not an error: the file may have become
// shorter since the client looked.
struct Part {
  Part(Library::File whole, const PartName& wanted)
      : file(std::move(whole)),
        begin(std::min(wanted.offset, file.size)),
        count(std::min(wanted.length, file.size - begin)) {}

  Library::File file;
  int64_t begin;
  int64_t count;
};

// Runs in a task, so it may take its time and block in reads. pread(2) leaves the position alone: descriptors are
// shared. The buffer is not on the stack, since drivers choose how large the stacks of their threads are.
absl::StatusOr<int64_t> HashOf(const Part& part) {
  ContentHash hash;
  std::vector<char> buffer(64 * 1024);
  for (int64_t done = 0; done < part.count;) {
    const auto wanted = static_cast<size_t>(std::min<int64_t>(part.count - done, static_cast<int64_t>(buffer.size())));
    const ssize_t got = ::pread(part.file.fd->get(), buffer.data(), wanted, part.begin + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SysError("cannot read the file");
    if (got == 0) return absl::FailedPreconditionError("the file became shorter while it was read");
    hash.Add({buffer.data(), static_cast<size_t>(got)});
    done += got;
  }
  return hash.Value();
}

}  // namespace

FileSession::FileSession(std::shared_ptr<const Library> library, std::shared_ptr<const Access> access,
                         std::shared_ptr<const AddressLimits> limits, std::shared_ptr<const FileFetcher> fetcher)
    : library_(std::move(library)),
      access_(std::move(access)),
      limits_(limits != nullptr && limits->has_rate() ? std::move(limits) : nullptr),
      fetch_(fetcher != nullptr ? std::make_unique<FileFetch>(std::move(fetcher)) : nullptr) {}
FileSession::~FileSession() = default;

// One loop for two states. Each turn consumes a command or content, or returns; wants_more() ends it as soon as a task
// is pending or a reply is large, and the driver calls again with what is left. Content is consumed only between two
// lines, as LineReader demands of those that share its input.
void FileSession::OnInput(Input& input, Output& output) {
  while (!input.empty() && output.wants_more()) {
    if (body_left_ > 0) {
      TakeBody(input, output);
      continue;
    }
    const Input from_line_on = input;
    const std::optional<absl::string_view> line = lines_.Next(input);
    if (line.has_value() && absl::StartsWith(*line, "A ")) {
      if (LogIn(line->substr(2), output)) continue;
      input = from_line_on;
      return;
    }
    if (line.has_value()) {
      is_admitted_ = !OnLine(*line, output);
      if (!is_admitted_) {
        if (fetch_ != nullptr) fetch_->Forget();
        continue;
      }
      input = from_line_on;
      return;
    } else if (lines_.too_long()) {
      RefuseAndClose("the line is too long", output);
    } else {
      return;
    }
  }
}

void FileSession::OnOverload(Output& output) {
  output.CountRequest();
  WriteError(503, kOverloadReason, output);
}

absl::Status FileSession::Admit() {
  if (limits_ == nullptr || limits_->TakeRequest(address_ != nullptr ? absl::string_view(*address_) : "-")) {
    return absl::OkStatus();
  }
  return TooManyCommands();
}

// Counted when it is answered: while the password is verified, the same line comes several times.
bool FileSession::LogIn(absl::string_view user_and_password, Output& output) {
  if (!is_admitted_) {
    if (const absl::Status admitted = Admit(); !admitted.ok()) {
      output.CountRequest();
      WriteError(admitted, output);
      return true;
    }
  }
  const LoginAnswer answer = TryLoginCommand(login_.get(), user_and_password, output);
  is_admitted_ = answer.result == Login::Result::kPending;
  if (is_admitted_) return false;
  output.CountRequest();
  if (answer.result == Login::Result::kRight) {
    known_ = login_->TakePermissions();
    output.Write("OK 0\n");
  } else {
    WriteError(answer.code, answer.why, output);
  }
  return true;
}

// By the present version of the file, so that a right that was taken away ends at once. Names that are not normal, such
// as "public/../private", may pass here; the library refuses them (CheckName()).
absl::Status FileSession::CheckRights(char command, absl::string_view arguments) {
  if (access_ == nullptr || !absl::StrContains("LSGRHPD", absl::string_view(&command, 1))) return absl::OkStatus();
  if (known_.has_value()) known_ = access_->Renew(*known_);
  const Permissions permissions = known_.has_value() ? *known_ : access_->Everyone();
  const Right right = command == 'P' || command == 'D' ? Right::kWrite : Right::kRead;
  if (permissions.Allow(right, NameOf(command, arguments))) return absl::OkStatus();
  if (permissions.user().empty()) return absl::UnauthenticatedError("log in first: A <user> <password>");
  return absl::PermissionDeniedError("the user lacks the right");
}

// A letter with one space behind it, then a name that may begin with anything: hence no splitting into words.
bool FileSession::OnLine(absl::string_view line, Output& output) {
  if (!is_admitted_) output.CountRequest();
  if (IsOfOtherProtocol(line)) return RefuseAndClose(kOtherProtocolReason, output), true;
  if (line == "Q") return output.Close(), true;
  const absl::string_view arguments = line.size() >= 2 && line[1] == ' ' ? line.substr(2) : "";
  absl::Status allowed = is_admitted_ ? absl::OkStatus() : Admit();
  if (allowed.ok()) allowed = CheckRights(line.empty() ? ' ' : line[0], arguments);
  // A refused upload has to be got past; StartPut() does that.
  if (!allowed.ok() && !MayAnnounceContent(line)) return WriteError(allowed, output), true;
  if (line == "L") return List(output), true;
  if (line.size() >= 2 && line[1] == ' ') {
    switch (line[0]) {
      case 'S':
        return Stat(arguments, output);
      case 'G':
        return Get(arguments, output);
      case 'R':
        return GetRange(arguments, output);
      case 'H':
        return HashRange(arguments, output);
      case 'D':
        return MakeDirectory(arguments, output), true;
      case 'P':
        return StartPut(arguments, allowed, output), true;
    }
  }
  // A misspelt command is answered and forgotten, unless it may be a P: then content may follow.
  constexpr absl::string_view kUnknown = "unknown command; there are L, S, G, R, H, P, D, A and Q";
  if (MayAnnounceContent(line)) return RefuseAndClose(kUnknown, output), true;
  WriteError(absl::InvalidArgumentError(kUnknown), output);
  return true;
}

// Directories are left out: the protocol has no form for them. The size of the text must be known before its first
// byte. So it is made as a whole, in memory or in a temporary file, before a byte of the reply is sent.
void FileSession::List(Output& output) {
  const auto format = [](const Library::Entry& entry, std::string& text) {
    if (!entry.is_directory) absl::StrAppend(&text, entry.name, "\t", entry.size, "\t", entry.mtime, "\n");
  };
  const auto reply = [](const absl::StatusOr<std::shared_ptr<const Listing>>& listing, Output& result) {
    if (!listing.ok()) return WriteError(listing.status(), result);
    result.Write(absl::StrCat("OK ", (*listing)->size(), "\n"));
    WriteListing(**listing, result);
  };
  MakeListing(library_, "", {}, format, reply, output);
}

std::optional<absl::StatusOr<Library::File>> FileSession::Find(absl::string_view name, Output& output) {
  absl::StatusOr<Library::File> file = library_->Find(name);
  if (fetch_ != nullptr && fetch_->Awaits(name, file, output)) return std::nullopt;
  return file;
}

// Without opening the file, unless it may have to be fetched: that it is there may be told even of one that cannot be
// read here. What the fetch says of a copy that had to be validated is another matter.
bool FileSession::Stat(absl::string_view name, Output& output) {
  absl::StatusOr<FileStamp> stamp = library_->Stat(name);
  if (fetch_ != nullptr) {
    const std::optional<absl::StatusOr<Library::File>> file = Find(name, output);
    if (!file.has_value()) return false;
    if (file->ok()) stamp = **file;
    const absl::Status status = file->status();
    const bool cannot_be_read = absl::IsPermissionDenied(status) || absl::IsUnavailable(status);
    if (!status.ok() && !(stamp.ok() && cannot_be_read)) stamp = status;
  }
  if (!stamp.ok()) return WriteError(stamp.status(), output), true;
  output.Write(absl::StrCat("OK ", stamp->size, " ", stamp->mtime, "\n"));
  return true;
}

// The size is that of the open file at this moment. If the file is cut short later, the driver resets the connection:
// the announced bytes cannot be delivered, and any others would be taken for the file.
bool FileSession::Get(absl::string_view name, Output& output) {
  const std::optional<absl::StatusOr<Library::File>> file = Find(name, output);
  if (!file.has_value()) return false;
  if (!file->ok()) return WriteError(file->status(), output), true;
  output.Write(absl::StrCat("OK ", (*file)->size, "\n"));
  output.WriteFile((*file)->fd, 0, (*file)->size);
  return true;
}

bool FileSession::GetRange(absl::string_view arguments, Output& output) {
  const absl::StatusOr<PartName> wanted = ParsePart('R', arguments);
  if (!wanted.ok()) return WriteError(wanted.status(), output), true;
  std::optional<absl::StatusOr<Library::File>> file = Find(wanted->name, output);
  if (!file.has_value()) return false;
  if (!file->ok()) return WriteError(file->status(), output), true;
  const Part part(**std::move(file), *wanted);
  output.Write(absl::StrCat("OK ", part.count, "\n"));
  output.WriteFile(part.file.fd, part.begin, part.count);
  return true;
}

// The task owns the open file: the name may lead to another one by the time it runs. A client that wants the hash of
// more than kMaxHashedBytes asks for it piece by piece, so no task takes long.
bool FileSession::HashRange(absl::string_view arguments, Output& output) {
  const absl::StatusOr<PartName> wanted = ParsePart('H', arguments);
  if (!wanted.ok()) return WriteError(wanted.status(), output), true;
  std::optional<absl::StatusOr<Library::File>> file = Find(wanted->name, output);
  if (!file.has_value()) return false;
  if (!file->ok()) return WriteError(file->status(), output), true;
  Part part(**std::move(file), *wanted);
  part.count = std::min(part.count, kMaxHashedBytes);
  output.Work([part = std::move(part)](Output& result) {
    const absl::StatusOr<int64_t> hash = HashOf(part);
    if (!hash.ok()) return WriteError(hash.status(), result);
    result.Write(absl::StrCat("OK ", part.count, " ", *hash, "\n"));
  });
  return true;
}

// A task if it waits for the disk.
void FileSession::MakeDirectory(absl::string_view name, Output& output) {
  const auto make = [library = library_, name = std::string(name)](Output& reply) {
    if (absl::Status status = library->MakeDirectory(name); !status.ok()) return WriteError(status, reply);
    reply.Write("OK 0\n");
  };
  library_->options().durability == Durability::kNone ? make(output) : output.Work(make);
}

// An upload that is refused must still be got past. body_left_ is set before, so that RefusePut() knows how much is
// coming.
void FileSession::StartPut(absl::string_view arguments, const absl::Status& allowed, Output& output) {
  const std::optional<uint64_t> size = TakeLastNumber(arguments);
  if (!size.has_value()) return RefuseAndClose("expected: P <name> <size>", output);
  // A number beyond 63 bits is as good as the largest size: no content of either ever ends.
  body_left_ = static_cast<int64_t>(std::min(*size, static_cast<uint64_t>(INT64_MAX)));
  if (!allowed.ok()) return RefusePut(allowed, output);
  absl::StatusOr<std::unique_ptr<Upload>> upload = library_->StartUpload(arguments, body_left_);
  if (!upload.ok()) return RefusePut(upload.status(), output);
  upload_ = *std::move(upload);
  // An empty file has no content that would bring TakeBody() about.
  if (body_left_ == 0) FinishPut(output);
}

// Takes what has come, up to the end of the content; the next command may stand behind it in the same input. Without an
// upload the bytes are discarded.
void FileSession::TakeBody(Input& input, Output& output) {
  const absl::string_view bytes = input.bytes().substr(
      0, static_cast<size_t>(std::min<int64_t>(body_left_, static_cast<int64_t>(input.bytes().size()))));
  input.Consume(bytes.size());
  body_left_ -= static_cast<int64_t>(bytes.size());
  if (upload_ == nullptr) return;
  if (absl::Status status = upload_->Append(bytes); !status.ok()) return RefusePut(status, output);
  if (body_left_ == 0) FinishPut(output);
}

// The "OK 0" waits for the name: a client that has it finds the file under it.
void FileSession::FinishPut(Output& output) {
  StoreUpload(
      std::move(upload_), nullptr,
      [](const absl::StatusOr<Upload::Stored>& stored, const Upload&, Output& reply) {
        if (!stored.ok()) return WriteError(stored.status(), reply);
        reply.Write("OK 0\n");
      },
      output);
}

// After a failure in the middle of the content the rest of it is still to come, and is discarded as if it had been
// refused. The error is sent at once all the same: a client that reads while it sends can stop early.
void FileSession::RefusePut(const absl::Status& error, Output& output) {
  upload_ = nullptr;
  WriteError(error, output);
  if (body_left_ > kMaxDiscardBytes) output.Close();
}

}  // namespace polyserve
