// client: lists, fetches and stores the files of a server that speaks the file service; one command from the command
// line, or many at a prompt. And the room of one that speaks the chat service.
#include <gflags/gflags.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/build_info.h"
#include "base/command_line.h"
#include "base/help_text.h"
#include "base/inherited_signals.h"
#include "base/printable.h"
#include "client/backup.h"
#include "client/chat.h"
#include "client/command.h"
#include "client/connection.h"
#include "client/credentials.h"
#include "client/format.h"
#include "client/interrupt.h"
#include "client/line_editor.h"
#include "client/line_source.h"
#include "client/parts.h"
#include "client/progress_bar.h"
#include "client/runner.h"
#include "client/server_address.h"
#include "client/shell.h"
#include "client/tls.h"

DEFINE_string(server, "file://127.0.0.1:8081",
              "=SERVICE[+tls]://HOST:PORT the server: file://...; for chat, chat://...; +tls encrypts");
DEFINE_string(tls_ca, "",
              "=FILE whose certificates to trust with +tls, in the form of PEM; the system's authorities unless given");
DEFINE_string(tls_cert, "", "=FILE with +tls, the certificate to show to a server that asks for one");
DEFINE_string(tls_key, "", "=FILE its private key; unless given, it is in the certificate's file");
DEFINE_string(o, "", "=PATH get: the path of the file on this machine");
DEFINE_string(from, "", "=HOST:PORT,... the servers that have the file; each sends a part");
DEFINE_int32(segments, 0, "parts at the same time; 0: one from each server");
DEFINE_bool(continue, false,
            "go on with what an earlier get with this flag has left, if the server's file still begins so; leave what "
            "comes if it fails");
DEFINE_string(sha256, "", "=HEX the SHA-256 that the file must have; if it has another one, nothing is stored");
DEFINE_int32(jobs, 4, "files at the same time");
DEFINE_bool(recursive, false, "with sub-directories, which are created on the server");
DEFINE_bool(json, false, "print JSON");
DEFINE_bool(quiet, false, "show no progress");
DEFINE_string(
    user, "",
    "=NAME log in under this name; the password comes from --password_file, or from POLYSERVE_PASSWORD in the "
    "environment, or is asked for");
DEFINE_string(password_file, "", "=FILE its first line is the password of --user");
DEFINE_string(timeout, "60s", "=TIME give up if the server is silent for this long; 'inf' for never");
DECLARE_bool(help);
DECLARE_bool(version);

namespace polyserve {

namespace {

// The limit on connecting, whatever --timeout is: Ctrl-C cannot cancel it, so it has to be short.
constexpr absl::Duration kMaxConnectTimeout = absl::Seconds(10);

// For errors in the command line. Nothing was done.
int Fail(const absl::Status& error) {
  if (absl::IsCancelled(error)) return kInterrupted;  // The question for a password: its user knows.
  PrintError(error);
  return kUsageError;
}

constexpr FlagTopic kTopics[] = {
    {"Flags of list and stat", "json"},
    {"Flags of backup", "jobs recursive"},
    {"Flags of all commands", "server user password_file tls_ca tls_cert tls_key timeout quiet version"},
};

void PrintHelp() {
  std::string text = absl::StrCat(
      "client: lists, fetches and stores the files of a Polyserve server\n\n"
      "  client [FLAG]... COMMAND    flags may also stand behind the command; behind -- nothing is a flag\n"
      "  client [FLAG]...            asks for commands, or reads them from a pipe or a file\n"
      "\nCommands:\n",
      HelpEntry("list [PATTERN]", "list the files on the server, or those whose names are like '*.txt'"),
      HelpEntry("get NAME", "fetch a file"), HelpEntry("put PATH [NAME]", "send a file"),
      HelpEntry("stat NAME", "show a file's size and date"),
      HelpEntry("backup DIRECTORY",
                "put the files of a directory that the server does not have, --jobs at the same time; what it leaves "
                "out, hidden files for example, it names, and its exit status is 1"),
      HelpEntry("chat NAME", "join the room (default: chat://127.0.0.1:8085); ## or Ctrl-C leaves"),
      "\nFlags of get:\n",
      HelpEntry("-o PATH",
                "where to put the file; '-' is standard output (default: the name's last part, in this directory)"),
      DescribeFlags("continue sha256 from segments"), DescribeTopics(kTopics), HelpEntry("--help", "print this text"),
      "\n",
      HelpParagraph("Exit status: 0 done; 1 refused by the server, or trouble with a file here; 2 wrong usage; 3 no "
                    "connection, or it was lost; 130 interrupted."));
  absl::PrintF("%s", text);
}

struct Server {
  ServerAddress at;
  bool has_tls;
};

// Takes HOST:PORT with or without the service; another service ("http://...") is an error.
absl::StatusOr<Server> ParseServer(absl::string_view service, absl::string_view text) {
  const bool has_tls = absl::ConsumePrefix(&text, absl::StrCat(service, "+tls://"));
  if (!has_tls) absl::ConsumePrefix(&text, absl::StrCat(service, "://"));
  if (absl::StrContains(text, "://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--server: '", text, "' is not of the form ", service, "://HOST:PORT, or ", service, "+tls://"));
  }
  // All addresses of the name, since Connection::Open() tries one after the other: "localhost" may be ::1 and
  // 127.0.0.1, and a server often listens on one of them only.
  absl::StatusOr<ServerAddress> server = ServerAddress::Parse(text);
  if (!server.ok()) return absl::InvalidArgumentError(absl::StrCat("--server: ", server.status().message()));
  return Server{*std::move(server), has_tls};
}

// For the life of the program; null if the server has none.
absl::StatusOr<const ClientTls*> MakeTls(bool has_tls) {
  if (!has_tls) {
    if (FLAGS_tls_ca.empty() && FLAGS_tls_cert.empty() && FLAGS_tls_key.empty()) return nullptr;
    return absl::InvalidArgumentError(
        "--tls_ca, --tls_cert and --tls_key are for servers with +tls, such as --server=file+tls://127.0.0.1:8444");
  }
  if (FLAGS_tls_cert.empty() && !FLAGS_tls_key.empty()) {
    return absl::InvalidArgumentError("--tls_key goes with --tls_cert=FILE");
  }
  absl::StatusOr<std::unique_ptr<ClientTls>> tls =
      ClientTls::Create({.ca = FLAGS_tls_ca, .certificate = FLAGS_tls_cert, .key = FLAGS_tls_key});
  if (!tls.ok()) return tls.status();
  static const std::unique_ptr<const ClientTls> kept = *std::move(tls);
  return kept.get();
}

// For every connection of a command. Without --user, nobody is asked for a password. A user who wants to wait less than
// ten seconds for an answer does not want to wait longer for a connection either.
absl::StatusOr<ConnectionOptions> MakeConnectionOptions(bool has_tls) {
  const absl::StatusOr<absl::Duration> timeout = ParseTimeFlag("timeout", FLAGS_timeout);
  if (!timeout.ok()) return timeout.status();
  if (FLAGS_user.empty() && !FLAGS_password_file.empty()) {
    return absl::InvalidArgumentError("--password_file goes with --user=NAME");
  }
  ConnectionOptions options{std::min(*timeout, kMaxConnectTimeout), *timeout, &Interrupt::fd()};
  const absl::StatusOr<const ClientTls*> tls = MakeTls(has_tls);
  if (!tls.ok()) return tls.status();
  options.tls = *tls;
  if (FLAGS_user.empty()) return options;
  absl::StatusOr<Credentials> credentials = FindCredentials(FLAGS_user, FLAGS_password_file);
  if (!credentials.ok()) {
    return absl::Status(credentials.status().code(), absl::StrCat("--user: ", credentials.status().message()));
  }
  options.credentials = *std::move(credentials);
  return options;
}

// The servers of --from. Each has TLS if the first one of the command has: one without a service is like that.
absl::StatusOr<std::vector<ServerAddress>> ParseSources(std::optional<bool>& has_tls) {
  std::vector<ServerAddress> sources;
  for (const absl::string_view source : absl::StrSplit(FLAGS_from, ',', absl::SkipEmpty())) {
    absl::StatusOr<Server> server = ParseServer("file", source);
    if (!server.ok()) return absl::InvalidArgumentError(absl::StrCat("--from: ", server.status().message()));
    if (has_tls.has_value() && server->has_tls != *has_tls && absl::StrContains(source, "://")) {
      return absl::InvalidArgumentError("--from: either all servers have +tls, that of --server too, or none has");
    }
    if (!has_tls.has_value()) has_tls = server->has_tls;
    sources.push_back(std::move(server->at));
  }
  return sources;
}

// The options that all commands but chat share, from the flags. The default of --server says nothing about those of
// --from, which take its place.
absl::StatusOr<Runner::Options> MakeOptions() {
  const absl::StatusOr<Server> server = ParseServer("file", FLAGS_server);
  if (!server.ok()) return server.status();
  std::optional<bool> has_tls;
  if (IsFlagSet("server")) has_tls = server->has_tls;
  absl::StatusOr<std::vector<ServerAddress>> sources = ParseSources(has_tls);
  if (!sources.ok()) return sources.status();
  const absl::StatusOr<ConnectionOptions> connection = MakeConnectionOptions(has_tls.value_or(server->has_tls));
  if (!connection.ok()) return connection.status();
  Runner::Options options;
  options.server = server->at;
  options.connection = *connection;
  options.json = FLAGS_json;
  options.quiet = FLAGS_quiet;
  options.sources = *std::move(sources);
  options.continues = FLAGS_continue;
  options.sha256 = absl::AsciiStrToLower(FLAGS_sha256);
  const bool is_digest = options.sha256.size() == 64 && absl::c_all_of(options.sha256, absl::ascii_isxdigit);
  if (!options.sha256.empty() && !is_digest) {
    return absl::InvalidArgumentError("--sha256 is 64 hexadecimal digits, as sha256sum prints them");
  }
  options.segments = FLAGS_segments;
  // One bound for both, since each part and each file has a thread and a connection.
  for (const auto& [flag, value, least] : {std::make_tuple("segments", FLAGS_segments, 0), {"jobs", FLAGS_jobs, 1}}) {
    if (value >= least && value <= kMaxJobs) continue;
    return absl::InvalidArgumentError(absl::StrCat("--", flag, " is ", least, " to ", kMaxJobs));
  }
  return options;
}

// A flag that the command does not use is a mistake of the user, who expects something of it: better to say so.
absl::Status CheckFlags(const Command& command) {
  const bool is_get = command.verb == Command::Verb::kGet;
  const bool prints = command.verb == Command::Verb::kList || command.verb == Command::Verb::kStat;
  if (!FLAGS_o.empty() && !is_get) return absl::InvalidArgumentError("-o is for get alone");
  // --segments=0 is the default value, but a user who writes it expects parts.
  const bool in_parts = !FLAGS_from.empty() || IsFlagSet("segments");
  if (in_parts && !is_get) return absl::InvalidArgumentError("--from and --segments are for get alone");
  // Known from the command line alone; Runner refuses other outputs that are no files once it has opened them.
  if (in_parts && FLAGS_o == "-") {
    return absl::InvalidArgumentError("--from and --segments need a file to write to, not standard output");
  }
  const bool checks = FLAGS_continue || !FLAGS_sha256.empty();
  if (checks && !is_get) return absl::InvalidArgumentError("--continue and --sha256 are for get alone");
  if (checks && FLAGS_o == "-") {
    return absl::InvalidArgumentError("--continue and --sha256 need a file to write to, not standard output");
  }
  if (FLAGS_continue && in_parts) {
    return absl::InvalidArgumentError("--continue is for a get in one part, without --from and --segments");
  }
  if (IsFlagSet("jobs") || FLAGS_recursive) {
    return absl::InvalidArgumentError("--jobs and --recursive are for backup alone");
  }
  if (FLAGS_json && !prints) return absl::InvalidArgumentError("--json is for list and stat alone");
  return absl::OkStatus();
}

int RunOnce(const std::vector<std::string>& arguments, const Runner::Options& options) {
  const absl::StatusOr<Command> command = ParseArguments(arguments, FLAGS_o);
  if (!command.ok()) return Fail(command.status());
  if (absl::Status status = CheckFlags(*command); !status.ok()) return Fail(status);
  Runner runner(options);
  const absl::Status status = runner.Run(*command);
  if (!status.ok()) PrintError(status);
  return ExitStatusOf(status);
}

// Prints what was left out and what failed, and at the end what was done. The exit status is that of the worst case: an
// interrupt, then the first error, then an incomplete backup.
int RunBackup(const std::vector<std::string>& arguments, const Runner::Options& options) {
  if (arguments.size() != 2) return Fail(absl::InvalidArgumentError("backup wants one directory: client backup DIR"));
  // As in CheckFlags(): a flag that does nothing would look as if it had done something.
  if (!FLAGS_o.empty() || FLAGS_json || !FLAGS_from.empty() || IsFlagSet("segments")) {
    return Fail(absl::InvalidArgumentError("-o, --json, --from and --segments are not for backup"));
  }
  if (FLAGS_continue || !FLAGS_sha256.empty()) {
    return Fail(absl::InvalidArgumentError("--continue and --sha256 are for get alone"));
  }
  absl::StatusOr<BackupResult> result;
  // The bar's destructor moves to the next line, so it must end before anything else is printed.
  {
    ProgressBar bar(arguments[1], options.quiet);
    result = BackUp(arguments[1], {options.server, options.connection, FLAGS_jobs, FLAGS_recursive},
                    [&bar](int64_t done, int64_t total) { bar.Show(done, total); });
  }
  if (!result.ok()) return PrintError(result.status()), kRefused;
  for (const std::string& name : result->left_out) {
    absl::FPrintF(stderr, "client: left out: %s\n", Printable(name));
  }
  for (const absl::Status& error : result->errors) {
    // The transfers that were cancelled are the user's own doing; the last line says so once.
    if (!absl::IsCancelled(error)) PrintError(error);
  }
  const bool was_interrupted = absl::c_any_of(result->errors, &absl::IsCancelled);
  // The number of all files matters only if some are missing.
  const bool is_all = result->files + result->unchanged == result->found;
  const std::string of_all = is_all ? "" : absl::StrCat(" of ", result->found);
  const std::string unchanged = result->unchanged == 0 ? "" : absl::StrCat(", ", result->unchanged, " unchanged");
  absl::PrintF("%s%d%s files, %s%s\n", was_interrupted ? "interrupted: " : "", result->files, of_all,
               HumanSize(result->bytes), unchanged);
  if (was_interrupted) return kInterrupted;
  // The first error, because the later ones are often its consequences: once the server is gone, every file fails.
  if (!result->errors.empty()) return ExitStatusOf(result->errors.front());
  // A backup that is not complete must not look like one.
  return result->left_out.empty() ? kDone : kRefused;
}

int RunChat(const std::vector<std::string>& arguments) {
  if (arguments.size() != 2) return Fail(absl::InvalidArgumentError("chat wants one name: client chat NAME"));
  if (!FLAGS_o.empty()) return Fail(absl::InvalidArgumentError("-o is for get alone"));
  if (FLAGS_json) return Fail(absl::InvalidArgumentError("--json is for list and stat alone"));
  if (FLAGS_continue || !FLAGS_sha256.empty()) {
    return Fail(absl::InvalidArgumentError("--continue and --sha256 are for get alone"));
  }
  // The default of --server is the file service's address, so it counts only if the user gave it.
  const std::string address = IsFlagSet("server") ? FLAGS_server : "chat://127.0.0.1:8085";
  const absl::StatusOr<Server> server = ParseServer("chat", address);
  if (!server.ok()) return Fail(server.status());
  // Before the connection is made: a Ctrl-C must leave the room by its protocol, so that the others hear of it at once.
  // And before a password is asked for: it must not leave the terminal without its echo.
  if (absl::Status status = Interrupt::Install(); !status.ok()) return Fail(status);
  const absl::StatusOr<ConnectionOptions> connection = MakeConnectionOptions(server->has_tls);
  if (!connection.ok()) return Fail(connection.status());
  const absl::Status status = Chat({server->at, *connection, arguments[1], STDIN_FILENO, STDOUT_FILENO});
  if (!status.ok()) PrintError(status);
  return ExitStatusOf(status);
}

// Interrupts do not stop the shell: Ctrl-C cancels a command, and the prompt comes back. The connection is made by the
// first command that needs one, so help and quit work without a server.
int RunAtPrompt(Runner::Options options) {
  options.chatty = true;
  Runner runner(options);
  absl::PrintF("Files on %s. The commands:\n%s", options.server.ToString(), DescribeCommands());
  // Without HOME, as in a service or a container, no history is kept.
  const char* const home = ::getenv("HOME");
  LineEditor lines("polyserve> ", home == nullptr ? "" : absl::StrCat(home, "/.polyserve_history"),
                   [&runner]() -> const std::vector<std::string>& { return runner.Names(); });
  RunShell(lines, runner, /*stop_on_interrupt=*/false);
  return kDone;  // An interactive user has seen the errors.
}

// For input from a pipe or a file. A signal between two commands leaves no failed command behind, hence the check at
// the end. A command that fails does not stop those after it, but an interrupt does: it is meant for the whole script.
int RunScript(const Runner::Options& options) {
  Runner runner(options);
  PlainLines lines;
  const ExitStatus status = RunShell(lines, runner, /*stop_on_interrupt=*/true);
  return Interrupt::pending() ? kInterrupted : status;
}

// Chat has its own address and errors, so it branches off before the options of the file service are checked. The
// handlers are installed before anything blocks or makes a thread.
int Run(int argc, char** argv) {
  const absl::StatusOr<std::vector<std::string>> arguments = ParseCommandLine(argc, argv);
  if (!arguments.ok()) return Fail(arguments.status());
  if (FLAGS_help) return PrintHelp(), 0;
  if (FLAGS_version) return absl::PrintF("%s", DescribeVersion()), 0;
  if (!arguments->empty() && arguments->front() == "chat") return RunChat(*arguments);
  if (absl::Status status = Interrupt::Install(); !status.ok()) return Fail(status);
  const absl::StatusOr<Runner::Options> options = MakeOptions();
  if (!options.ok()) return Fail(options.status());
  // backup is no Command: it works on a directory, has a report and an exit status of its own, and is not for the
  // prompt.
  if (!arguments->empty() && arguments->front() == "backup") return RunBackup(*arguments, *options);
  if (!arguments->empty()) return RunOnce(*arguments, *options);
  // From here on commands come line by line, and each names its own files.
  if (!FLAGS_o.empty() || !FLAGS_sha256.empty()) {
    return Fail(absl::InvalidArgumentError("-o and --sha256 are for one get from the command line"));
  }
  if (IsFlagSet("jobs") || FLAGS_recursive) {
    return Fail(absl::InvalidArgumentError("--jobs and --recursive are for backup alone"));
  }
  // A pipe gets no prompt and no editor: its lines would be echoed into the output.
  return ::isatty(STDIN_FILENO) == 1 ? RunAtPrompt(*options) : RunScript(*options);
}

}  // namespace

}  // namespace polyserve

int main(int argc, char** argv) {
  // For the patterns of list: "?" is a character, of however many bytes. Nothing else here depends on the locale.
  ::setlocale(LC_CTYPE, "C.UTF-8");
  // A parent may have left signals blocked (they are inherited through exec): Ctrl-C would have no effect.
  polyserve::UnblockAllSignals();
  return polyserve::Run(argc, argv);
}
