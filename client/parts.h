// FetchInParts: fetches a file in several parts at the same time, each with a thread and a connection of its own, from
// one server or from several servers that have the same file. If a source fails, the others fetch the rest of its part.
//
//   ask all sources for size and date ──▶ fetch the parts (threads) ──▶ compare hashes with all sources (threads)
//
// It verifies that all parts are of one file: when they have arrived, each is compared by its hash with the same range
// at every source. Parts of two files, or of two states of one file, differ from at least one of them. A server that
// does not know hashes is asked for size and date instead, which must equal those of the others and must not change.
#ifndef POLYSERVE_CLIENT_PARTS_H_
#define POLYSERVE_CLIENT_PARTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/download.h"
#include "client/file_client.h"
#include "client/server_address.h"

namespace polyserve {

struct PartsOptions {
  std::vector<ServerAddress> sources;  // At least one.
  int segments = 1;                    // Parts; 1 to kMaxJobs. A small file has fewer.
  ConnectionOptions connection;
};

// The most threads, each with a connection, that one command starts: the bound of --jobs and --segments.
constexpr int kMaxJobs = 64;

// Writes the file into `download`, without Commit(), and returns its size. Blocks until all threads have ended.
// `progress` is called under a lock, from any of them. Returns Aborted if the sources differ or the file has changed
// meanwhile; other errors are those of FileClient, from the source that failed last.
// REQUIRES: download.takes_parts().
absl::StatusOr<int64_t> FetchInParts(const PartsOptions& options, const std::string& name, Download& download,
                                     const FileClient::Progress& progress);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_PARTS_H_
