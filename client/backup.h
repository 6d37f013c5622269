// Backup: sends the files of a directory that a server does not have yet, several at a time, with one progress for the
// whole, and reports every file that was not sent. So a backup that was interrupted goes on if it is made again.
//
//   scan the directory ──▶ a queue of files ──▶ `jobs` threads, each with a FileClient of its own ──▶ BackupResult
//                                                 for each file: Stat ─▶ the same size? then hashes ─▶ Put if they
//                                                 differ
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
#include "client/server_address.h"

namespace polyserve {

// Files are read while they are sent: one that changes its size meanwhile fails, and the server keeps what it had under
// that name. A file that the server has under its name, with the same bytes by all hashes, is not sent. A server that
// does not know hashes gets all files.
struct BackupOptions {
  ServerAddress server;
  // For the connection of each thread, and for one more that creates the sub-directories.
  ConnectionOptions connection;
  // Threads, each with a connection; 1 to kMaxJobs (client/parts.h). Several pay off for small files, each of which
  // costs a round trip.
  int jobs = 4;
  // With sub-directories, which are created on the server. Without it they are reported in BackupResult::left_out.
  bool recursive = false;
};

struct BackupResult {
  int64_t files = 0;                 // Stored by the server,
  int64_t bytes = 0;                 // and their bytes.
  int64_t unchanged = 0;             // Files that the server had already.
  int64_t found = 0;                 // All files that there were.
  std::vector<absl::Status> errors;  // One for each file or directory that was not stored, with its name.
  // Entries that were skipped, each with the reason: hidden files, which no server accepts, links, pipes, directories.
  std::vector<std::string> left_out;
};

// Sends all regular files of the directory that are not hidden, under their own names; those of sub-directories as
// DIRECTORY/NAME. Symbolic links are not followed, so a backup never leaves the directory, and ends. Blocks until all
// are sent or have failed. A file that fails does not stop the others; a cancelled transfer (ConnectionOptions::cancel)
// starts no more. `progress` gets the bytes of all files; it is called under a lock, from any of the threads. Returns
// an error only if the directory cannot be read; then nothing was sent. Memory: the names of all files.
absl::StatusOr<BackupResult> BackUp(const std::string& directory, const BackupOptions& options,
                                    const FileClient::Progress& progress);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_BACKUP_H_
