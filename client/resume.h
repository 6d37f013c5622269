// FetchRest: fetches what a download still lacks, if what it has is the beginning of the server's file; all of the file
// otherwise.
//
//   Stat ─▶ is it the beginning? by its size, and by hashes of all of it ─▶ GetRange ─▶ Stat, and hashes of the whole
//                └ a server without hashes: by its size and date
#ifndef POLYSERVE_CLIENT_RESUME_H_
#define POLYSERVE_CLIENT_RESUME_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "client/download.h"
#include "client/file_client.h"

namespace polyserve {

// What has become of the parts of the file, in bytes.
struct FetchedRest {
  int64_t size;  // Of the whole.
  int64_t kept;  // Of these, the ones that were here before.
};

// Completes `download`, without Commit(); what it has by the time of an error is dated, for the next attempt. Blocks.
// `progress` counts the bytes that were here before as done. Returns Aborted if the file changes meanwhile; other
// errors are those of FileClient and Download. REQUIRES: the download is of Download::Continue().
//
// Limit: a server without hashes is believed by size and date, which a change within one second may keep.
absl::StatusOr<FetchedRest> FetchRest(FileClient& client, const std::string& name, Download& download,
                                      const FileClient::Progress& progress);

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_RESUME_H_
