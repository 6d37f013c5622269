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
#include "net/endpoint.h"

namespace polyserve {

// The exit status of the program; docs/command-line.md lists them for scripts.
enum ExitStatus {
  kDone = 0,
  kRefused = 1,       // By the server, or an error with a local file.
  kUsageError = 2,    // The command line is wrong.
  kNoConnection = 3,  // Not made, lost, silent, or the server speaks another protocol.
  kInterrupted = 130  // As shells report Ctrl-C: 128 + SIGINT.
};

ExitStatus ExitStatusOf(const absl::Status& status);

// Prints "client: ..." to standard error, in one line, without anything that a terminal would execute.
void PrintError(const absl::Status& error);

// Threads: one at a time; Run() blocks until the command is done.
class Runner {
 public:
  struct Options {
    Endpoints server;
    ConnectionOptions connection;
    std::vector<Endpoints> sources;  // get: the servers that have the file; empty: `server` alone.
    int segments = 0;                // get: parts at the same time; 0: one from each source.
    bool json = false;               // list and stat: print JSON.
    bool quiet = false;              // Show no progress.
    bool chatty = false;             // Confirm each command, as a prompt should.
  };

  explicit Runner(const Options& options) : options_(options) {}

  // Executes one command; kQuit ends the conversation with the server. Errors name the file that they concern, and are
  // those of FileClient, Download and FetchInParts(). If the connection has ended since the last command, a new one is
  // made, with a note on standard error.
  absl::Status Run(const Command& command);

 private:
  absl::Status CarryOut(const Command& command);  // Without the care for a lost connection.
  // The connection, made again if necessary.
  absl::StatusOr<FileClient*> Client();
  // The commands.
  absl::Status List();
  absl::Status Stat(const std::string& name);
  absl::Status Get(const Command& command);
  absl::Status Put(const Command& command);
  // Fetches a file over the connection, or in parts over several.
  absl::StatusOr<int64_t> Fetch(const std::string& name, Download& download);
  bool gets_in_parts() const { return options_.segments > 1 || !options_.sources.empty(); }
  // Prints a line if options_.chatty.
  void Say(absl::string_view text) const;

  const Options options_;
  std::optional<FileClient> client_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_RUNNER_H_
