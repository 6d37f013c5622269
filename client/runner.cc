#include "client/runner.h"

#include <fnmatch.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/printable.h"
#include "base/sha256.h"
#include "base/sys_error.h"
#include "client/format.h"
#include "client/listing.h"
#include "client/parts.h"
#include "client/progress_bar.h"
#include "client/reply.h"
#include "client/resume.h"

namespace polyserve {

namespace {

// Names are made harmless for a terminal only. A program that reads the output gets them as they are.
bool IsToTerminal() { return ::isatty(STDOUT_FILENO) == 1; }

absl::Status CannotPrint() { return SysError("cannot write to", "standard output"); }

// What it writes may stay in the stream's buffer, so that a long list costs few system calls. Print() flushes it, and
// only then is it known that the output could be written. If a pipe's reader has gone, the write fails with EPIPE:
// Connection ignores SIGPIPE, which would otherwise end the program without a word.
absl::Status Write(absl::string_view text) {
  return fwrite(text.data(), 1, text.size(), stdout) == text.size() ? absl::OkStatus() : CannotPrint();
}

absl::Status Print(absl::string_view text) {
  if (absl::Status status = Write(text); !status.ok()) return status;
  return fflush(stdout) == 0 ? absl::OkStatus() : CannotPrint();
}

// The status with the name that it concerns, and with the server's code if it is a refusal. A text that names its
// object already is left alone.
absl::Status About(const std::string& name, const absl::Status& status) {
  const std::optional<int> code = RefusalCode(status);
  if (code.has_value()) {
    return absl::Status(status.code(), absl::StrCat(name, ": ", status.message(), " (error ", *code, ")"));
  }
  // What FileClient finds wrong with a name or a file; errors of system calls and connections name their object.
  const bool is_nameless =
      absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) || absl::IsAborted(status);
  return is_nameless ? absl::Status(status.code(), absl::StrCat(name, ": ", status.message())) : status;
}

}  // namespace

// A refusal never has one of the codes of kNoConnection (see CodeOf() in client/reply.cc): even a 503 is kRefused.
ExitStatus ExitStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kDone;
    case absl::StatusCode::kCancelled:
      return kInterrupted;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kDataLoss:
      return kNoConnection;
    default:
      return kRefused;
  }
}

void PrintError(const absl::Status& error) { absl::FPrintF(stderr, "client: %s\n", Printable(error.message())); }

absl::Status Runner::Run(const Command& command) {
  names_.reset();  // The command may change them.
  const absl::Status status = CarryOut(command);
  // The error has said that the connection is lost, so the next command connects without the note of Client().
  if (!status.ok() && client_.has_value() && !client_->connected()) client_.reset();
  return status;
}

absl::Status Runner::CarryOut(const Command& command) {
  switch (command.verb) {
    case Command::Verb::kList:
      return List(command.name);
    case Command::Verb::kStat:
      return Stat(command.name);
    case Command::Verb::kGet:
      return Get(command);
    case Command::Verb::kPut:
      return Put(command);
    // Works without a server, and so does not ask for one.
    case Command::Verb::kHelp:
      return Print(DescribeCommands());
    // The user leaves: that the server has gone before is no error.
    case Command::Verb::kQuit:
      if (client_.has_value() && client_->connected()) client_->Quit().IgnoreError();
      return absl::OkStatus();
  }
  return absl::InternalError("unknown command");
}

// A server may close a connection that is idle at a prompt. The note tells the user why the command takes longer, and
// that the server may be another one by now.
absl::StatusOr<FileClient*> Runner::Client() {
  if (client_.has_value() && client_->connected()) return &*client_;
  if (client_.has_value()) absl::FPrintF(stderr, "client: the connection had ended; connecting again\n");
  client_.reset();
  absl::StatusOr<FileClient> client = FileClient::Connect(options_.server, options_.connection);
  if (!client.ok()) {
    return absl::Status(client.status().code(), absl::StrCat(client.status().message(), "; is the server running?"));
  }
  client_.emplace(*std::move(client));
  return &*client_;
}

// Prints each file as it arrives, so that memory does not grow with the list. After an error in the middle, what was
// printed before stays.
absl::Status Runner::List(const std::string& pattern) {
  const absl::StatusOr<FileClient*> client = Client();
  if (!client.ok()) return client.status();
  const bool json = options_.json, to_terminal = IsToTerminal();
  bool is_first = true;
  const absl::Status status = (*client)->List([&](const FileInfo& file) {
    if (!pattern.empty() && ::fnmatch(pattern.c_str(), file.name.c_str(), 0) != 0) return absl::OkStatus();
    // The comma goes before an object, not behind it: which object is the last one is known only at the end.
    const absl::string_view before = std::exchange(is_first, false) ? "[" : ",";
    return Write(json ? absl::StrCat(before, FileAsJson(file))
                      : ListLineAsText(file, absl::LocalTimeZone(), to_terminal));
  });
  // In JSON the bracket stays open: a list that was cut off must not parse.
  if (!status.ok()) return About("list", status);
  if (absl::Status printed = Print(!json ? "" : is_first ? "[]\n" : "]\n"); !printed.ok()) return printed;
  // As ls(1) has it: an empty directory is no error, a pattern that nothing matches is one.
  if (is_first && !pattern.empty()) return absl::NotFoundError(absl::StrCat("no file is like '", pattern, "'"));
  return absl::OkStatus();
}

// The terminal shows a line that is being edited, so nothing may be printed, not even that the connection had ended.
const std::vector<std::string>& Runner::Names() {
  if (names_.has_value()) return *names_;
  names_.emplace();
  if (client_.has_value() && !client_->connected()) client_.reset();
  const absl::StatusOr<FileClient*> client = Client();
  if (!client.ok()) return *names_;
  // A failed listing may have told some; they are as good as any.
  const absl::Status status = (*client)->List([this](const FileInfo& file) {
    if (names_->size() < kMaxNames) names_->push_back(file.name);
    return absl::OkStatus();
  });
  if (!status.ok()) client_.reset();
  return *names_;
}

absl::Status Runner::Stat(const std::string& name) {
  const absl::StatusOr<FileClient*> client = Client();
  if (!client.ok()) return client.status();
  const absl::StatusOr<FileInfo> file = (*client)->Stat(name);
  if (!file.ok()) return About(name, file.status());
  return Print(options_.json ? absl::StrCat(FileAsJson(*file), "\n")
                             : FileAsText(*file, absl::LocalTimeZone(), IsToTerminal()));
}

// The connection comes first: without a server no file is made here. Commit() comes last: until all has arrived, an old
// file of this name stays as it is.
absl::Status Runner::Get(const Command& command) {
  // In parts, each thread connects for itself, and the server of client_ need not be one of the sources.
  const absl::Status reached = gets_in_parts() ? absl::OkStatus() : Client().status();
  if (!reached.ok()) return reached;
  absl::StatusOr<Download> download = StartDownload(command.path);
  if (!download.ok()) return About(command.path, download.status());
  const absl::StatusOr<int64_t> size = Fetch(command.name, *download);
  if (!size.ok()) return About(command.name, size.status());
  if (absl::Status status = CheckDigest(*download, *size); !status.ok()) return About(command.name, status);
  // Not About(): Download names the file on this machine, whose name may differ from the server's.
  if (absl::Status status = download->Commit(); !status.ok()) return status;
  if (command.path != "-") Say(absl::StrCat("got ", command.path, ", ", HumanSize(*size)));
  return absl::OkStatus();
}

absl::StatusOr<Download> Runner::StartDownload(const std::string& path) const {
  if (path == "-") return Download::ToStandardOutput();
  return options_.continues ? Download::Continue(path) : Download::Start(path);
}

absl::StatusOr<int64_t> Runner::Fetch(const std::string& name, Download& download) {
  // Parts arrive in any order, a digest is of what was written, and a pipe cannot go back. Refused here and not in the
  // check of the flags, because only the open file shows what it is.
  if ((gets_in_parts() || !options_.sha256.empty()) && !download.takes_parts()) {
    return absl::InvalidArgumentError(
        "--segments, --from and --sha256 need a file to write to, not a pipe or a device");
  }
  if (gets_in_parts()) return FetchParts(name, download);
  const absl::StatusOr<FileClient*> client = Client();
  if (!client.ok()) return client.status();
  ProgressBar bar(name, options_.quiet);
  const auto show = [&bar](int64_t done, int64_t total) { bar.Show(done, total); };
  if (options_.continues) {
    const absl::StatusOr<FetchedRest> rest = FetchRest(**client, name, download, show);
    if (!rest.ok()) return rest.status();
    return rest->size;
  }
  return (*client)->Get(
      name, [&download](absl::string_view bytes) { return download.Append(bytes); }, show);
}

// Parts have connections of their own, also to the server of client_, which they do not disturb.
absl::StatusOr<int64_t> Runner::FetchParts(const std::string& name, Download& download) {
  PartsOptions parts;
  parts.sources = options_.sources.empty() ? std::vector<ServerAddress>{options_.server} : options_.sources;
  parts.segments = options_.segments > 0 ? options_.segments : static_cast<int>(parts.sources.size());
  parts.connection = options_.connection;
  ProgressBar bar(name, options_.quiet);
  return FetchInParts(parts, name, download, [&bar](int64_t done, int64_t total) { bar.Show(done, total); });
}

// Of what was written, not of what came: parts come in any order, and what was here before did not come at all.
absl::Status Runner::CheckDigest(Download& download, int64_t size) const {
  if (options_.sha256.empty()) return absl::OkStatus();
  constexpr int64_t kPieceBytes = 1024 * 1024;
  Sha256 digest;
  for (int64_t done = 0; done < size; done += kPieceBytes) {
    const absl::StatusOr<std::string> piece =
        download.ReadAt(done, static_cast<size_t>(std::min(size - done, kPieceBytes)));
    if (!piece.ok()) return piece.status();
    digest.Add(*piece);
  }
  const std::string value = digest.Hex();
  if (value == options_.sha256) return absl::OkStatus();
  download.Discard();
  return absl::AbortedError(absl::StrCat("its SHA-256 is ", value, ", not the one of --sha256; nothing was stored"));
}

// The bar ends before anything else is printed, since its destructor moves to the next line.
absl::Status Runner::Put(const Command& command) {
  const absl::StatusOr<FileClient*> client = Client();
  if (!client.ok()) return client.status();
  {
    ProgressBar bar(command.name, options_.quiet);
    const absl::Status status =
        (*client)->Put(command.path, command.name, [&bar](int64_t done, int64_t total) { bar.Show(done, total); });
    // A refusal concerns the name there, any other error the file here.
    if (!status.ok()) return About(RefusalCode(status).has_value() ? command.name : command.path, status);
  }
  Say(absl::StrCat("stored as ", command.name));
  return absl::OkStatus();
}

// On standard error, so that `client get a -o -` and a list into a file contain nothing but what was asked for.
void Runner::Say(absl::string_view text) const {
  if (options_.chatty) absl::FPrintF(stderr, "%s\n", Printable(text));
}

}  // namespace polyserve
