// DiskFiles: files that a server must read from the disk. Each is dropped from the page cache by posix_fadvise(2) just
// before it is requested, so the server must be on this machine. mincore(2) verifies that it worked: on a file system
// in memory it cannot.
#ifndef POLYSERVE_CLIENT_LOAD_DISK_FILES_H_
#define POLYSERVE_CLIENT_LOAD_DISK_FILES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "client/load/exchange.h"
#include "net/endpoint.h"

namespace polyserve {

// One object for a run, shared by the exchanges of all connections.
class DiskFiles {
 public:
  // The limit for all files together, because their contents are held in memory to compare the replies with.
  static constexpr uint64_t kMaxBytes = uint64_t{1} << 30;

  // Reads all regular files of a directory that are neither hidden nor empty; the server offers them under `prefix` (""
  // or "a/"). Returns InvalidArgument if there are fewer than two for each connection, if they exceed kMaxBytes, or if
  // one cannot be read.
  static absl::StatusOr<std::shared_ptr<DiskFiles>> Open(const std::string& directory, const std::string& prefix,
                                                         const Endpoint& server, int connections);

  // The exchange of the next connection: GETs of HTTP/1.1 for its own share of the files, in turn. No two connections
  // request the same file, so that none profits from the other's read. Threads: any.
  static std::unique_ptr<Exchange> NewExchange(const std::shared_ptr<DiskFiles>& files);

  // For LoadPlan::inspect: a sentence if too large a part of the files had stayed in memory.
  std::vector<std::string> Inspect() const;

 private:
  friend class DiskExchange;
  // An open file, the GET for it, and the expected content.
  struct File {
    UniqueFd fd;
    std::shared_ptr<const std::string> request;
    std::shared_ptr<const std::string> content;
  };

  static absl::StatusOr<File> OpenFile(const std::string& path, const std::string& target, const Endpoint& server);
  // Drops the file from the page cache, and counts the pages that stayed.
  void Forget(const File& file);

  std::vector<File> files_;
  size_t connections_ = 1;
  std::atomic<size_t> next_connection_ = 0;
  std::atomic<uint64_t> pages_ = 0;         // Of all files requested.
  std::atomic<uint64_t> pages_stayed_ = 0;  // Of these, still in memory after the drop.
};

}  // namespace polyserve

#endif  // POLYSERVE_CLIENT_LOAD_DISK_FILES_H_
