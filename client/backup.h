// Backup: sends the files of a directory to a server, several at a time, with one progress for the whole, and reports
// every file that was not sent.
//
//   scan the directory ──▶ a queue of files ──▶ `jobs` threads, each with a FileClient of its own ──▶ BackupResult
#ifndef POLYSERVE_CLIENT_BACKUP_H_
#define POLYSERVE_CLIENT_BACKUP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/file_client.h"
#include "net/endpoint.h"

namespace polyserve {

// What to send where is up to the caller; the files are read while they are sent, so a file that changes meanwhile
// fails.
struct BackupOptions {
  Endpoints server;
  ConnectionOptions connection;
  int jobs = 4;            // Threads, each with a connection; 1 to kMaxJobs (client/parts.h).
  bool recursive = false;  // With sub-directories, which are created on the server.
};

struct BackupResult {
  int64_t files = 0;                 // Stored by the server,
  int64_t bytes = 0;                 // and their bytes.
  int64_t found = 0;                 // Files that there were to send.
  std::vector<absl::Status> errors;  // One for each file or directory that was not stored, with its name.
  // Entries that were skipped, each with the reason: hidden files, which no server accepts, links, pipes, directories.
  std::vector<std::string> left_out;
};

// Sends all regular files of the directory that are not hidden, under their own names; those of sub-directories as
// DIRECTORY/NAME. Blocks until all are sent or have failed. A file that fails does not stop the others; a cancelled
// transfer (ConnectionOptions::cancel) starts no more. `progress` gets the bytes of all files; it is called under a
// lock, from any of the threads. Returns an error only if the directory cannot be read; then nothing was sent.
absl::StatusOr<BackupResult> BackUp(const std::string& directory, const BackupOptions& options,
                                    const FileClient::Progress& progress);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_BACKUP_H_
