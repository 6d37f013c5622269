// Backup: all files of a directory to a server, several at a time, with one progress for the whole.
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

struct BackupOptions {
  Endpoint server;
  ConnectionOptions connection;
  int jobs = 4;  // Threads, each with a connection; at least 1.
};

struct BackupResult {
  int64_t files = 0;                  // That the server has now.
  int64_t bytes = 0;                  // Of them.
  std::vector<absl::Status> errors;   // One for each file that it has not, with its name.
  std::vector<std::string> left_out;  // Names of what is no regular file: directories, links, pipes.
};

// Sends all regular files of the directory, under their own names; hidden ones are left out unnamed, and what lies in
// directories below as well. A file that cannot be sent does not keep the others. `progress` is told of the bytes of
// all files, under a lock, from any thread. NotFound and others: the directory cannot be read; nothing was sent.
absl::StatusOr<BackupResult> BackUp(const std::string& directory, const BackupOptions& options,
                                    const FileClient::Progress& progress);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_BACKUP_H_
