// Runner: carries out commands, over one connection that is made when it is first needed and again after it was lost.
// Results go to standard output; errors are returned, for the caller to print.
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

// The exit status of the program.
enum ExitStatus {
  kDone = 0,
  kRefused = 1,       // By the server, or trouble with a file here.
  kUsageError = 2,    // The command line makes no sense.
  kNoConnection = 3,  // Not made, lost, silent, or the server speaks something else.
  kInterrupted = 130  // As shells have it for Ctrl-C.
};

ExitStatus ExitStatusOf(const absl::Status& status);

// Prints "client: ..." to standard error, in one line.
void PrintError(const absl::Status& error);

class Runner {
 public:
  struct Options {
    Endpoints server;
    ConnectionOptions connection;
    std::vector<Endpoints> sources;  // Get: who has the file; empty: the server alone.
    int segments = 0;                // Get: parts at the same time; 0: one from each source.
    bool json = false;               // For list and stat.
    bool quiet = false;              // No progress.
    bool chatty = false;             // Says what was done, at a prompt.
  };

  explicit Runner(const Options& options) : options_(options) {}

  // Carries out one command; kQuit takes leave of the server. Errors name the file that they are about.
  absl::Status Run(const Command& command);

 private:
  absl::Status CarryOut(const Command& command);
  // The connection, made anew where need be.
  absl::StatusOr<FileClient*> Client();
  absl::Status List();
  absl::Status Stat(const std::string& name);
  absl::Status Get(const Command& command);
  absl::StatusOr<int64_t> Fetch(const std::string& name, Download& download);
  absl::Status Put(const Command& command);
  bool gets_in_parts() const { return options_.segments > 1 || !options_.sources.empty(); }
  void Say(absl::string_view text) const;

  const Options options_;
  std::optional<FileClient> client_;
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_RUNNER_H_
