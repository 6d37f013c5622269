// FetchInParts: one file in several parts at the same time, each by a thread and a connection of its own, from one
// server or from several that have the same file. A source that fails leaves its part to the others.
//
// That it is one file is checked, not believed: when all parts are here, each is compared by its hash with what every
// source has there now. Parts of two files, or of two states of one, differ from either. A server that knows no hashes
// is asked for size and date instead, which all sources must share, and keep.
#ifndef POLYSERVE_CLIENT_PARTS_H_
#define POLYSERVE_CLIENT_PARTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/connection.h"
#include "client/download.h"
#include "client/file_client.h"
#include "net/endpoint.h"

namespace polyserve {

struct PartsOptions {
  std::vector<Endpoints> sources;  // At least one.
  int segments = 1;                // At least 1; fewer are made of a small file.
  ConnectionOptions connection;
};

// The most threads that one command starts.
constexpr int kMaxJobs = 64;

// Writes the file into the download, which is not committed, and returns its size. `progress` is told under a lock,
// from any thread. Aborted: the sources differ, or the file has changed meanwhile. Other errors: as FileClient has
// them, of the source that failed last.
absl::StatusOr<int64_t> FetchInParts(const PartsOptions& options, const std::string& name, Download& download,
                                     const FileClient::Progress& progress);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_PARTS_H_
