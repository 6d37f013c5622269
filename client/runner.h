// Runner: executes commands over one connection, which is made when it is first needed, and again after it was lost.
// Results go to standard output; errors are returned for the caller to print.
//
//   ParseArguments() or ParseLine() ──▶ Command ──▶ Runner::Run() ──▶ absl::Status ──▶ PrintError(), ExitStatusOf()
#ifndef POLYSERVE_CLIENT_RUNNER_H_
#define POLYSERVE_CLIENT_RUNNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/command.h"
#include "client/connection.h"
#include "client/download.h"
#include "client/file_client.h"
#include "client/server_address.h"

namespace polyserve {

// The exit status of the program; docs/command-line.md lists them for scripts. It tells a script whether trying again
// may help: kNoConnection may pass by itself, while kRefused usually needs another command or file.
enum ExitStatus {
  kDone = 0,
  kRefused = 1,       // By the server, or an error with a local file.
  kUsageError = 2,    // The command line is wrong.
  kNoConnection = 3,  // Not made, lost, silent, or the server speaks another protocol.
  kInterrupted = 130  // As shells report Ctrl-C: 128 + SIGINT.
};

// Cancelled is kInterrupted; Unavailable, DeadlineExceeded and DataLoss are kNoConnection; all other errors are
// kRefused.
ExitStatus ExitStatusOf(const absl::Status& status);

// Prints "client: ..." to standard error, in one line, without anything that a terminal would execute.
void PrintError(const absl::Status& error);

// Threads: one at a time; Run() blocks until the command is done, or until ConnectionOptions::cancel becomes readable.
// An object keeps its connection between commands, so a prompt makes one, not one for each line.
class Runner {
 public:
  struct Options {
    ServerAddress server;
    // For every connection that a command makes.
    ConnectionOptions connection;
    // get: the servers that have the file; empty: `server` alone. If they are given, `server` is not asked.
    std::vector<ServerAddress> sources;
    // get: parts at the same time, up to kMaxJobs (client/parts.h); 0: one from each source.
    int segments = 0;
    // get: go on with what an earlier one has left, and leave what comes if it fails; in one part only.
    bool continues = false;
    // get: the SHA-256 that the file must have, as 64 hexadecimal digits in lower case; empty for any.
    std::string sha256;
    // list and stat: print JSON. A list that is cut off by an error is not valid JSON, so a script notices.
    bool json = false;
    // Show no progress.
    bool quiet = false;
    // Confirm each command on standard error, as a prompt should.
    bool chatty = false;
  };

  explicit Runner(const Options& options) : options_(options) {}

  // The names of the files on the server, for the completion of a line; none if it cannot be reached. Prints nothing.
  // Asks once between two commands, and so may block as Run() does; at most kMaxNames, since a listing may be endless.
  // Valid until the next call of Run().
  const std::vector<std::string>& Names();
  static constexpr size_t kMaxNames = 10'000;

  // Executes one command; kQuit ends the conversation with the server, and kHelp needs none. Errors name the file that
  // they concern, and are those of FileClient, Download and FetchInParts(). If the connection has ended since the last
  // command, a new one is made, with a note on standard error. A get that fails leaves a local file as it was; what was
  // written to standard output or a device until then cannot be taken back.
  absl::Status Run(const Command& command);

 private:
  // Executes the command; Run() then forgets a connection that it has ended.
  absl::Status CarryOut(const Command& command);
  // The connection, made again if necessary. Owned by client_; valid until the next call.
  absl::StatusOr<FileClient*> Client();
  // The commands.
  absl::Status List(const std::string& pattern);
  absl::Status Stat(const std::string& name);
  absl::Status Get(const Command& command);
  absl::Status Put(const Command& command);
  absl::StatusOr<Download> StartDownload(const std::string& path) const;
  // Fetches a file over the connection, or in parts over several; returns its size in bytes. The caller commits.
  absl::StatusOr<int64_t> Fetch(const std::string& name, Download& download);
  absl::StatusOr<int64_t> FetchParts(const std::string& name, Download& download);
  // Aborted if the file does not have the SHA-256 that it must have; then nothing is left of it.
  absl::Status CheckDigest(Download& download, int64_t size) const;
  bool gets_in_parts() const { return options_.segments > 1 || !options_.sources.empty(); }
  // Prints a line if options_.chatty.
  void Say(absl::string_view text) const;

  const Options options_;
  std::optional<FileClient> client_;
  std::optional<std::vector<std::string>> names_;  // Of Names(), until the next command.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_RUNNER_H_
