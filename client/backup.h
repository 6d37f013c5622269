// Backup: the files of a directory to a server, several at a time, with one progress for the whole. What is not sent is
// named.
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
  Endpoints server;
  ConnectionOptions connection;
  int jobs = 4;            // Threads, each with a connection; at least 1.
  bool recursive = false;  // With the directories below, which are made on the server.
};

struct BackupResult {
  int64_t files = 0;                 // That the server has now.
  int64_t bytes = 0;                 // Of them.
  int64_t found = 0;                 // As many there were to send.
  std::vector<absl::Status> errors;  // One for each file or directory that it does not have, with its name.
  // What nobody tried to send, each with the reason: what is hidden (no server takes it), links, pipes, directories.
  std::vector<std::string> left_out;
};

// Sends all regular files of the directory that are not hidden, under their own names; those of directories below as
// DIRECTORY/NAME. A file that cannot be sent does not keep the others, but once one was cancelled no other is begun.
// `progress` is told of the bytes of all files, under a lock, from any thread. NotFound and others: the directory
// cannot be read; nothing was sent.
absl::StatusOr<BackupResult> BackUp(const std::string& directory, const BackupOptions& options,
                                    const FileClient::Progress& progress);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_BACKUP_H_
